/*
 * support/descriptors.h - how many descriptors the process has open.
 *
 * The number that the next one would get is no proof that nothing was leaked: what was opened while a lower
 * one was open for a moment does not change it.
 */
#ifndef WEIR_TESTS_SUPPORT_DESCRIPTORS_H
#define WEIR_TESTS_SUPPORT_DESCRIPTORS_H

#include <dirent.h>

#include "tests/support/cmocka.h"

static inline unsigned descriptor_count(void) {
  DIR *directory = opendir("/proc/self/fd");
  unsigned count = 0;
  assert_non_null(directory);
  while (readdir(directory))
    count++;
  closedir(directory);
  return count;
}

#endif
