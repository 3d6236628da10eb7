/*
 * load/mapping.c - see load/mapping.h.
 */
#include "tools/load/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool load_mapping_open(const char *path, struct span *out, const struct failure *failure) {
  struct stat facts;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool good = fd >= 0 && fstat(fd, &facts) == 0;
  if (good && !S_ISREG(facts.st_mode)) {
    close(fd);
    return failure_set(failure, "cannot use %s: not a regular file", path);
  }
  void *base = (void *)""; /* an empty body is still a body */
  if (good && facts.st_size > 0) {
    base = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    good = base != MAP_FAILED;
  }
  int why = errno;
  if (fd >= 0) close(fd);
  if (!good) return failure_set(failure, "cannot read %s: %s", path, strerror(why));
  *out = span_of(base, (size_t)facts.st_size);
  return true;
}

void load_mapping_close(struct span file) {
  if (file.len > 0) munmap((void *)file.base, file.len);
}
