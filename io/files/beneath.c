/*
 * files/beneath.c - openat2(), and a walk for where it is not allowed.
 */
#include "io/files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/files/limits.h"

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

/* The path of what a descriptor refers to; false where /proc does not tell. */
static bool path_of(int fd, char path[PATH_MAX]) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, path, PATH_MAX - 1);
  if (len <= 0 || path[0] != '/') return false;
  path[len] = 0;
  return true;
}

/* Opens what a path with an absolute link leads to, if that is inside. The first descriptor only
 * tells its path: O_PATH touches nothing. */
static int open_inside(int root, const char *path, int flags) {
  char inside[PATH_MAX], base[PATH_MAX];
  int fd = openat(root, path, O_PATH | O_CLOEXEC);
  if (fd < 0) return -EXDEV;
  bool known = path_of(fd, inside) && path_of(root, base);
  close(fd);
  size_t len = known ? strlen(base) : 0;
  if (len == 1) len = 0; /* the root is "/" */
  if (!known || strncmp(inside, base, len) != 0) return -EXDEV;
  const char *rest = inside + len;
  if (*rest && *rest != '/') return -EXDEV; /* a neighbour whose name is longer */
  return open_at_2(root, *rest && rest[1] ? rest + 1 : ".", flags);
}

int beneath_open(const struct beneath *beneath, const char *path, int flags) {
  flags |= O_CLOEXEC;
  if (!(flags & O_PATH)) flags |= O_NOCTTY | O_NONBLOCK; /* O_PATH allows few others */
  if (path[0] == '/') return -EXDEV;
  if (beneath->stepwise) return walk(beneath->root, path, flags);
  int fd = -EAGAIN;
  for (int i = 0; i < FILES_ATTEMPTS && (fd == -EAGAIN || fd == -EINTR); i++)
    fd = open_at_2(beneath->root, path, flags);
  return fd == -EXDEV ? open_inside(beneath->root, path, flags) : fd;
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

bool beneath_follow(struct beneath *beneath, const char *root) {
  struct stat old, new;
  int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool other = !fstat(fd, &new) && !fstat(beneath->root, &old) &&
               (new.st_dev != old.st_dev || new.st_ino != old.st_ino) &&
               !faccessat(fd, ".", X_OK, AT_EACCESS);
  if (!other) {
    close(fd);
    return false;
  }
  close(beneath->root);
  beneath->root = fd;
  return true;
}

void beneath_close(struct beneath *beneath) {
  close(beneath->root);
}
