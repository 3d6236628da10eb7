/*
 * serve/tls/watch.c - see serve/tls/watch.h.
 *
 * The list of watched directories is made anew after each change, before `changed` looks at the files: a change
 * while it looks is an event of the new list. A new descriptor each time, so that directories that
 * no longer matter are not watched for ever.
 */
#include "tools/serve/tls/watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/clock.h"
#include "io/base/error.h"
#include "tools/serve/limits.h"

#define MILLISECOND_NS UINT64_C(1000000) /* derived: its name says it */

struct watch {
  struct watch_settings settings;
  int notify; /* inotify; -1: refused */
  int stop;   /* eventfd: readable when the thread shall end */
  pthread_t thread;
};

/* ---- stamps ---------------------------------------------------------------------------------- */

static int64_t nanoseconds(struct timespec time) {
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

bool file_is_ready(const char *path, struct io_error *error) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISFIFO(info.st_mode)) return true;
  return io_error_set(error, 0, "%s is a FIFO, which is read only at the start", path);
}

struct file_stamp file_stamp_of(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return (struct file_stamp){.code = errno};
  return (struct file_stamp){.device = info.st_dev,
                             .inode = info.st_ino,
                             .bytes = (uint64_t)info.st_size,
                             .modified_ns = nanoseconds(info.st_mtim),
                             .changed_ns = nanoseconds(info.st_ctim)};
}

bool file_stamp_is_equal(const struct file_stamp *one, const struct file_stamp *other) {
  return one->device == other->device && one->inode == other->inode && one->bytes == other->bytes &&
         one->modified_ns == other->modified_ns && one->changed_ns == other->changed_ns &&
         one->code == other->code;
}

/* ---- which directories ----------------------------------------------------------------------- */

/* A path that is being followed: `done` is a directory, `rest` begins there. */
struct walk {
  char done[PATH_MAX], rest[PATH_MAX];
};

static void watch_directory(const struct watch *watch, const char *path) {
  const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE |
                          IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  (void)inotify_add_watch(watch->notify, *path ? path : ".", events);
}

/* Puts a link's target in place of the link. False when it cannot be followed. */
static bool follow(struct walk *walk, const char *link, const char *after) {
  char target[PATH_MAX], rest[PATH_MAX];
  ssize_t len = readlink(link, target, sizeof target - 1);
  if (len <= 0) return false;
  target[len] = 0;
  if (snprintf(rest, sizeof rest, "%s/%s", target, after) >= (int)sizeof rest) return false;
  strcpy(walk->rest, rest);
  if (*target == '/') strcpy(walk->done, "/");
  return true;
}

/* One step: the first segment of `rest`. Returns false at the end, or where nothing is. */
static bool step(const struct watch *watch, struct walk *walk) {
  const char *segment = walk->rest + strspn(walk->rest, "/");
  size_t len = strcspn(segment, "/");
  const char *after = segment + len + strspn(segment + len, "/");
  struct stat info;
  char here[2 * PATH_MAX];
  if (len == 0) return false;
  snprintf(here, sizeof here, "%s%s%.*s", walk->done, *walk->done ? "/" : "", (int)len, segment);
  bool exists = lstat(here, &info) == 0, is_link = exists && S_ISLNK(info.st_mode);
  if (is_link || !exists || !*after) watch_directory(watch, walk->done);
  if (is_link) return follow(walk, here, after);
  if (!exists || strlen(here) >= sizeof walk->done) return false;
  strcpy(walk->done, here);
  memmove(walk->rest, after, strlen(after) + 1);
  return true;
}

static void watch_path(const struct watch *watch, const char *path) {
  struct walk walk = {.done = ""};
  if (strlen(path) >= sizeof walk.rest) return;
  strcpy(walk.rest, path);
  if (*path == '/') strcpy(walk.done, "/");
  for (unsigned steps = 0; steps < WATCH_STEPS_MAX && step(watch, &walk); steps++) {
  }
}

static void watch_anew(struct watch *watch) {
  if (watch->notify >= 0) close(watch->notify);
  watch->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  for (size_t i = 0; i < watch->settings.count && watch->notify >= 0; i++)
    watch_path(watch, watch->settings.paths[i]);
}

/* ---- the thread ------------------------------------------------------------------------------ */

enum happened { NOTHING, EVENT, STOP };

static enum happened wait_for(const struct watch *watch, int milliseconds) {
  struct pollfd fds[] = {{.fd = watch->stop, .events = POLLIN},
                         {.fd = watch->notify, .events = POLLIN}};
  char events[4096];
  if (poll(fds, 2, milliseconds) <= 0) return NOTHING;
  if (fds[0].revents) return STOP;
  while (read(watch->notify, events, sizeof events) > 0) {
  }
  return EVENT;
}

/* Until a pause in the events, or WATCH_QUIET_TIMES of its length at most. */
static enum happened wait_for_quiet(const struct watch *watch) {
  const uint64_t end_ns =
      clock_now_ns() + WATCH_QUIET_TIMES * WATCH_QUIET_MILLISECONDS * MILLISECOND_NS;
  enum happened happened = EVENT;
  while (happened == EVENT && clock_now_ns() < end_ns)
    happened = wait_for(watch, WATCH_QUIET_MILLISECONDS);
  return happened;
}

static void *run(void *ctx) {
  struct watch *watch = ctx;
  enum happened happened = NOTHING;
  while (happened != STOP) {
    watch->settings.changed(watch->settings.ctx);
    happened = wait_for(watch, (int)watch->settings.period_seconds * 1000);
    if (happened == EVENT) happened = wait_for_quiet(watch);
    if (happened != STOP) watch_anew(watch);
  }
  return NULL;
}

static void close_all(struct watch *watch) {
  if (watch->notify >= 0) close(watch->notify);
  if (watch->stop >= 0) close(watch->stop);
  free(watch);
}

struct watch *watch_start(const struct watch_settings *settings, struct io_error *error) {
  struct watch *watch = malloc(sizeof *watch);
  if (!watch) {
    io_error_set(error, ENOMEM, "cannot watch files: out of memory");
    return NULL;
  }
  *watch = (struct watch){
      .settings = *settings, .notify = -1, .stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  watch_anew(watch);
  int code = watch->stop < 0 ? errno : pthread_create(&watch->thread, NULL, run, watch);
  if (code == 0) {
    pthread_setname_np(watch->thread, "weir-watch");
    return watch;
  }
  io_error_set(error, code, "cannot watch files: %s", strerror(code));
  close_all(watch);
  return NULL;
}

void watch_stop(struct watch *watch) {
  if (!watch) return;
  (void)!eventfd_write(watch->stop, 1);
  pthread_join(watch->thread, NULL);
  close_all(watch);
}
