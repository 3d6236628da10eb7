/*
 * files/disk.c - stat and preadv2.
 */
#include "io/files/disk.h"

#include "io/files/limits.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

/* Times beyond those that 64 bits of nanoseconds hold (the years 1677 to 2262) count as the last that
 * they do. */
static int64_t nanoseconds(struct timespec time) {
  int64_t all;
  if (__builtin_mul_overflow((int64_t)time.tv_sec, INT64_C(1000000000), &all) ||
      __builtin_add_overflow(all, time.tv_nsec, &all))
    return time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
  return all;
}

/* Of a directory only which one it is matters: its time stamps change with every file in it. */
struct file_identity disk_identity(const struct stat *status) {
  struct file_identity identity = {.device = status->st_dev, .inode = status->st_ino};
  if (S_ISDIR(status->st_mode)) return identity;
  identity.size_bytes = (uint64_t)status->st_size;
  identity.mtime_ns = nanoseconds(status->st_mtim);
  identity.ctime_ns = nanoseconds(status->st_ctim);
  return identity;
}

bool disk_is_same(const struct file_identity *a, const struct file_identity *b) {
  return a->device == b->device && a->inode == b->inode && a->size_bytes == b->size_bytes &&
         a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

bool disk_is_settled(const struct file_identity *identity) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now) > identity->ctime_ns &&
         (uint64_t)nanoseconds(now) - (uint64_t)identity->ctime_ns > FILES_SETTLE_NS;
}

ssize_t disk_read(int fd, void *buffer, size_t len, uint64_t offset, bool may_wait) {
  struct iovec vector = {.iov_base = buffer, .iov_len = len};
  ssize_t got;
  do
    got = preadv2(fd, &vector, 1, (off_t)offset, may_wait ? 0 : RWF_NOWAIT);
  while (got < 0 && errno == EINTR);
  if (got >= 0) return got;
  /* Some file systems cannot tell without waiting. */
  return errno == EOPNOTSUPP && !may_wait ? -EAGAIN : -errno;
}
