/*
 * files/disk.h - what tells one version of a file from another, and reading without waiting.
 */
#ifndef WEIR_FILES_DISK_H
#define WEIR_FILES_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stat;

struct file_identity {
  uint64_t device, inode, size_bytes;
  int64_t mtime_ns, ctime_ns; /* since 1970 */
};

struct file_identity disk_identity(const struct stat *status);

bool disk_is_same(const struct file_identity *a, const struct file_identity *b);

/* Whether a write from now on must show in the time stamps. See FILES_SETTLE_NS. */
bool disk_is_settled(const struct file_identity *identity);

/* preadv2() at `offset`. Returns the bytes read, 0 at the end of the file, or -errno. -EAGAIN, which
 * comes only without `may_wait`: the disk would have to be waited for. */
ssize_t disk_read(int fd, void *buffer, size_t len, uint64_t offset, bool may_wait);

#endif
