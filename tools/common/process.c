/*
 * common/process.c - see common/process.h.
 */
#include "tools/common/process.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void *allocate(void *ctx, size_t bytes) {
  (void)ctx;
  return malloc(bytes);
}

static void release(void *ctx, void *object, size_t bytes) {
  (void)ctx;
  (void)bytes;
  free(object);
}

const struct memory process_memory = {.alloc = allocate, .free = release};

uint64_t process_raise_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur == limit.rlim_max) return limit.rlim_cur;
  struct rlimit most = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &most) == 0 ? most.rlim_cur : limit.rlim_cur;
}

/* Opens `count` descriptors, and closes them again. */
bool process_has_descriptors(unsigned count) {
  if (count == 0) return true;
  int fd = dup(STDIN_FILENO);
  if (fd < 0) return false;
  bool others = process_has_descriptors(count - 1);
  close(fd);
  return others;
}
