/*
 * files/opening.c - opening below the root; see files/opening.h.
 */
#include "io/files/opening.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_out_of_descriptors(int fd) {
  return fd == -EMFILE || fd == -ENFILE;
}

/* A descriptor that the cache gives up may be taken by another thread first: hence the attempts. */
static int open_path(const struct beneath *beneath, struct file_cache *cache, const char *path,
                     const void *client, int flags) {
  int fd = beneath_open(beneath, path, flags);
  for (unsigned i = 0; i < FILES_ATTEMPTS && is_out_of_descriptors(fd); i++) {
    if (!file_cache_close_one(cache, client)) break;
    fd = beneath_open(beneath, path, flags);
  }
  if (is_out_of_descriptors(fd)) counter_add(&cache->counters->no_descriptor, 1);
  return fd;
}

int opening_look(const struct beneath *beneath, struct file_cache *cache, const char *path,
                 const void *client, struct stat *status) {
  int fd = open_path(beneath, cache, path, client, O_PATH);
  if (fd < 0) return fd;
  int error = fstat(fd, status) ? errno : 0;
  close(fd);
  return -error;
}

/* If what was looked at was replaced since by something else, O_NONBLOCK has kept the open from
 * waiting, and it is refused. */
int opening_regular(const struct beneath *beneath, struct file_cache *cache, const char *path,
                    const void *client) {
  struct stat status;
  int fd = open_path(beneath, cache, path, client, O_RDONLY);
  if (fd < 0) return fd;
  int error = fstat(fd, &status) ? errno : S_ISREG(status.st_mode) ? 0 : EPERM;
  if (!error) return fd;
  close(fd);
  return -error;
}
