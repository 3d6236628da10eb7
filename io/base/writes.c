/*
 * base/writes.c - see base/writes.h.
 */
#include "io/base/writes.h"

#include <assert.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

static bool open_once(struct writes *writes) {
  if (writes->tried) return writes->inotify >= 0;
  writes->tried = true;
  writes->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  for (unsigned i = 0; i < WRITES_BUCKETS; i++)
    list_init(&writes->buckets[i]);
  return writes->inotify >= 0;
}

static struct list_node *bucket_of(struct writes *writes, int descriptor) {
  return &writes->buckets[(unsigned)descriptor % WRITES_BUCKETS];
}

static bool is_watched(struct writes *writes, int descriptor) {
  struct list_node *bucket = bucket_of(writes, descriptor);
  for (struct list_node *node = bucket->next; node != bucket; node = node->next)
    if (LIST_OWNER(node, struct write_watch, node)->descriptor == descriptor) return true;
  return false;
}

/* Two more events exist, and are nobody's: a watch has ended, and (with the descriptor -1) events were lost. */
static void mark(struct writes *writes, int descriptor) {
  struct list_node *bucket = bucket_of(writes, descriptor);
  for (struct list_node *node = bucket->next; node != bucket; node = node->next) {
    struct write_watch *watch = LIST_OWNER(node, struct write_watch, node);
    if (watch->descriptor == descriptor) watch->seen = true;
  }
}

/* Events of files have no names, so all have the same size. */
void writes_look(struct writes *writes) {
  struct inotify_event events[WRITES_EVENTS];
  if (!writes->tried || writes->inotify < 0) return;
  for (unsigned i = 0; i < WRITES_READS_MAX; i++) {
    ssize_t got = read(writes->inotify, events, sizeof events);
    for (ssize_t n = 0; n < got / (ssize_t)sizeof *events; n++)
      mark(writes, events[n].wd);
    if (got < (ssize_t)sizeof events) return;
  }
}

void writes_watch(struct writes *writes, struct write_watch *watch, int fd) {
  char path[32];
  assert(!watch->writes);
  if (!open_once(writes)) return;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int descriptor = inotify_add_watch(writes->inotify, path, IN_MODIFY);
  if (descriptor < 0) return;
  if (is_watched(writes, descriptor)) writes_look(writes); /* what came before is the others' */
  *watch = (struct write_watch){.writes = writes, .descriptor = descriptor};
  list_append(bucket_of(writes, descriptor), &watch->node);
}

bool writes_seen(struct write_watch *watch) {
  if (watch->writes && !watch->seen) writes_look(watch->writes);
  return watch->seen;
}

void writes_forget(struct write_watch *watch) {
  struct writes *writes = watch->writes;
  if (!writes) return;
  list_remove(&watch->node);
  if (!is_watched(writes, watch->descriptor))
    (void)inotify_rm_watch(writes->inotify, watch->descriptor);
  *watch = (struct write_watch){0};
}

void writes_close(struct writes *writes) {
  if (!writes->tried) return;
  for (unsigned i = 0; i < WRITES_BUCKETS; i++)
    assert(list_is_empty(&writes->buckets[i]));
  if (writes->inotify >= 0) close(writes->inotify);
  writes->tried = false;
}
