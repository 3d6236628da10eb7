/*
 * serve/tls/watch.h - notices when files may have changed: a thread that waits on inotify.
 *
 * Files are replaced in many ways: written again in place, renamed over, or by a symbolic link that is turned to
 * another directory (Kubernetes, certbot). So each directory in which something decides what a path means
 * is watched: where the file is, and where each symbolic link on the way is. After the last event there is
 * a pause of WATCH_QUIET_MILLISECONDS, because a certificate and its key seldom change in one step. What inotify
 * cannot see, such as changes that another machine makes on a shared file system, is found by asking every
 * `period_seconds`.
 *
 * `changed` is called on the watch's own thread, also when nothing of interest has changed: it compares
 * struct file_stamps.
 */
#ifndef WEIR_TOOLS_SERVE_TLS_WATCH_H
#define WEIR_TOOLS_SERVE_TLS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io_error;

/* What a path leads to; two that are equal mean that the file is the same and unchanged. */
struct file_stamp {
  uint64_t device, inode, bytes;
  int64_t modified_ns, changed_ns;
  int code; /* errno when the file cannot be looked at; the rest is then 0 */
};

struct file_stamp file_stamp_of(const char *path);
bool file_stamp_is_equal(const struct file_stamp *one, const struct file_stamp *other);

/* Whether a file can be read while the server runs: the open of a FIFO would wait for a writer, and a signal or the end
 * of the server with it. A path without a file is left to the open. False with one line in `error`. */
__attribute__((warn_unused_result)) bool file_is_ready(const char *path, struct io_error *error);

struct watch_settings {
  const char *const *paths; /* kept */
  size_t count;
  unsigned period_seconds; /* 1 or more */
  void (*changed)(void *ctx);
  void *ctx;
};

struct watch;

/* Starts the thread, which inherits the caller's signal mask. `changed` is called once at the start. Where
 * inotify is refused, only the period counts. NULL with one line in `error`. */
__attribute__((warn_unused_result)) struct watch *watch_start(const struct watch_settings *settings,
                                                              struct io_error *error);

/* Ends the thread, after a call of `changed` that is under way. NULL is allowed. */
void watch_stop(struct watch *watch);

#endif
