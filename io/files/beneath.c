/*
 * files/beneath.c - openat2(), and a walk for where it is not allowed.
 */
#include "io/files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/base/limits.h"

static int open_at_2(int directory, const char *path, int flags) {
  struct open_how how = {
      .flags = (uint64_t)flags,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };
  long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
  return fd < 0 ? -errno : (int)fd;
}

/* Opens the component [path, path + len) of `directory`, never through a link. */
static int open_component(int directory, const char *path, size_t len, int flags) {
  char name[256];
  if (len >= sizeof name) return -ENAMETOOLONG;
  memcpy(name, path, len);
  name[len] = 0;
  if (strcmp(name, "..") == 0) return -EXDEV;
  int fd = openat(directory, name, flags | O_NOFOLLOW);
  return fd < 0 ? -errno : fd;
}

/* One step a component; the directories on the way are only passed through. */
static int walk(int root, const char *path, int flags) {
  int directory = root;
  for (;;) {
    size_t len = strcspn(path, "/");
    bool last = path[len] == 0;
    int fd = open_component(directory, len ? path : ".", len ? len : 1,
                            last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory != root) close(directory);
    if (last || fd < 0) return fd;
    directory = fd;
    path += len + 1;
  }
}

int beneath_open(const struct beneath *beneath, const char *path, int flags) {
  flags |= O_CLOEXEC;
  if (!(flags & O_PATH)) flags |= O_NOCTTY | O_NONBLOCK; /* O_PATH allows few others */
  if (path[0] == '/') return -EXDEV;
  if (beneath->stepwise) return walk(beneath->root, path, flags);
  int fd = -EAGAIN;
  for (int i = 0; i < FILES_ATTEMPTS && (fd == -EAGAIN || fd == -EINTR); i++)
    fd = open_at_2(beneath->root, path, flags);
  return fd;
}

bool beneath_init(struct beneath *beneath, const char *root, struct io_error *error) {
  *beneath = (struct beneath){.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (beneath->root < 0)
    return io_error_set(error, errno, "cannot open %s: %s", root, strerror(errno));
  if (faccessat(beneath->root, ".", X_OK, AT_EACCESS)) {
    io_error_set(error, errno, "cannot search %s: %s", root, strerror(errno));
    close(beneath->root);
    return false;
  }
  int probe = open_at_2(beneath->root, ".", O_PATH | O_CLOEXEC);
  beneath->stepwise = probe == -ENOSYS || probe == -EPERM;
  if (probe >= 0) close(probe);
  return true;
}

void beneath_close(struct beneath *beneath) {
  close(beneath->root);
}
