/*
 * serve/log/file.c - see serve/log/file.h.
 */
#include "tools/serve/log/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/commands.h"
#include "tools/common/output.h"

static bool is_standard_output(const struct log_file *file) {
  return strcmp(file->path, "-") == 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Without O_NONBLOCK the open of a FIFO would wait for a reader. */
static bool open_path(const char *path, int *fd, struct stat *status) {
  enum { FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };
  *fd = open(path, FLAGS, 0640);
  if (*fd < 0) return errno == ENXIO;
  return fstat(*fd, status) == 0;
}

static bool take_standard_output(int *fd, struct stat *status) {
  *fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return *fd >= 0 && fstat(*fd, status) == 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
}

bool log_file_open(struct log_file *file, const char *path, struct io_error *error) {
  *file = (struct log_file){.path = path, .fd = -1};
  bool good = is_standard_output(file) ? take_standard_output(&file->fd, &file->status)
                                       : open_path(path, &file->fd, &file->status);
  return good || io_error_set(error, errno, "cannot open the log %s: %s", path, strerror(errno));
}

void log_file_close(struct log_file *file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
}

/* Whether a file can be made in the directory of the path. */
static bool can_make(const char *path) {
  char directory[PATH_MAX];
  const char *name = strrchr(path, '/');
  int len = name ? (int)(name + 1 - path) : 0;
  if (len >= PATH_MAX) return false;
  snprintf(directory, sizeof directory, "%.*s", len, path);
  return access(len > 0 ? directory : ".", W_OK | X_OK) == 0;
}

static bool can_write(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) return errno == ENOENT && can_make(path);
  if (S_ISDIR(status.st_mode)) errno = EISDIR;
  return !S_ISDIR(status.st_mode) && access(path, W_OK) == 0;
}

bool log_file_try(const char *path, struct io_error *error) {
  return strcmp(path, "-") == 0 || can_write(path) ||
         io_error_set(error, errno, "cannot open the log %s: %s", path, strerror(errno));
}

static void complain(struct log_file *file, const char *what) {
  if (!file->complained)
    output_complain("weir serve", EXIT_FAILED, "cannot %s the log %s: %s", what, file->path,
                    strerror(errno));
  file->complained = true;
}

static bool has_moved(const struct log_file *file) {
  struct stat now;
  return file->fd < 0 || stat(file->path, &now) != 0 || now.st_dev != file->status.st_dev ||
         now.st_ino != file->status.st_ino;
}

bool log_file_follow(struct log_file *file, bool always) {
  struct stat status;
  int fd;
  if (is_standard_output(file) || (!always && !has_moved(file))) return false;
  if (!open_path(file->path, &fd, &status)) {
    complain(file, "open");
    return false;
  }
  if (fd < 0) return false;
  log_file_close(file);
  file->fd = fd;
  file->status = status;
  return true;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Files never keep a writer waiting for a reader. Pipes and sockets accept RWF_NOWAIT, terminals and
 * other devices refuse it. */
static ssize_t write_now(const struct log_file *file, const struct iovec *parts, int count) {
  if (S_ISREG(file->status.st_mode)) return writev(file->fd, parts, count);
  ssize_t written = pwritev2(file->fd, parts, count, -1, RWF_NOWAIT);
  if (written >= 0 || errno != EOPNOTSUPP) return written;
  struct pollfd room = {.fd = file->fd, .events = POLLOUT};
  if (poll(&room, 1, 0) == 1) return writev(file->fd, parts, count);
  errno = EAGAIN;
  return -1;
}

static uint8_t last_byte(const struct iovec *parts, size_t bytes) {
  bool second = bytes > parts[0].iov_len;
  const uint8_t *base = parts[second].iov_base;
  return base[(second ? bytes - parts[0].iov_len : bytes) - 1];
}

enum log_file_result log_file_write(struct log_file *file, const struct iovec *parts, int count,
                                    size_t *bytes) {
  if (file->fd < 0) return LOG_FILE_FAILED;
  ssize_t written = write_now(file, parts, count);
  if (written > 0) {
    *bytes = (size_t)written;
    file->torn = last_byte(parts, *bytes) != '\n';
    file->complained = false;
    return LOG_FILE_WRITTEN;
  }
  if (written < 0 && errno == EAGAIN) return LOG_FILE_FULL;
  if (written < 0 && errno == EINTR) return LOG_FILE_FULL;
  if (written < 0 && errno == EPIPE && !is_standard_output(file)) {
    log_file_close(file);
    return LOG_FILE_LEFT;
  }
  complain(file, "write to");
  return LOG_FILE_FAILED;
}
