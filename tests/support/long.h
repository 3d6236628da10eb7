/*
 * support/long.h - whether tests run at length. `make test-long` sets WEIR_LONG; otherwise tests with
 * many seeds or combinations run a part of them, so that `make test` stays short.
 */
#ifndef WEIR_TESTS_LONG_H
#define WEIR_TESTS_LONG_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool test_is_long(void) {
  return getenv("WEIR_LONG") != NULL;
}

#endif
