/*
 * ring/readers.c - see ring/readers.h.
 */
#include "io/ring/readers.h"

#include "io/ring/limits.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct readers {
  pthread_mutex_t lock; /* of everything below */
  pthread_cond_t changed;
  struct list_node queue, done;
  unsigned queued, threads, idle, reading;
  unsigned users; /* the threads and the owner; the last one frees */
  bool closing;
  int event_fd;
  pthread_t ids[IO_READERS]; /* the owner's */
};

struct readers *readers_open(int event_fd) {
  struct readers *readers = calloc(1, sizeof *readers);
  if (!readers) return NULL;
  pthread_mutex_init(&readers->lock, NULL);
  pthread_cond_init(&readers->changed, NULL);
  list_init(&readers->queue);
  list_init(&readers->done);
  readers->users = 1;
  readers->event_fd = event_fd;
  return readers;
}

/* The lock is held, and given up. */
static void leave(struct readers *readers) {
  bool last = --readers->users == 0;
  pthread_mutex_unlock(&readers->lock);
  if (!last) return;
  pthread_cond_destroy(&readers->changed);
  pthread_mutex_destroy(&readers->lock);
  free(readers);
}

static int32_t read_now(const struct item_job *job) {
  ssize_t got;
  do
    got = pread(job->fd, job->item.buffer, job->item.len, (off_t)job->offset);
  while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : (int32_t)got;
}

/* The lock is held, but not while it reads. */
static void serve(struct readers *readers, struct item_job *job) {
  const uint64_t one = 1;
  readers->reading++;
  pthread_mutex_unlock(&readers->lock);
  int32_t result = read_now(job);
  pthread_mutex_lock(&readers->lock);
  readers->reading--;
  if (readers->closing) return; /* nobody waits for it */
  job->item.result = result;
  list_append(&readers->done, &job->item.node);
  /* Fails only when the counter is full, and then a wake-up is pending anyway. */
  ssize_t written = write(readers->event_fd, &one, sizeof one);
  (void)written;
}

static void *reader_thread(void *argument) {
  struct readers *readers = argument;
  pthread_setname_np(pthread_self(), "weir-read");
  pthread_mutex_lock(&readers->lock);
  while (!readers->closing) {
    struct list_node *node = list_take_first(&readers->queue);
    if (node) {
      readers->queued--;
      serve(readers, LIST_OWNER(node, struct item_job, item.node));
      continue;
    }
    readers->idle++;
    pthread_cond_wait(&readers->changed, &readers->lock);
    readers->idle--;
  }
  leave(readers);
  return NULL;
}

/* Signals are not for these threads. */
static void start_thread(struct readers *readers) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&readers->ids[readers->threads], NULL, reader_thread, readers);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code) return;
  readers->threads++;
  readers->users++;
}

bool readers_read(struct readers *readers, struct item_job *job) {
  pthread_mutex_lock(&readers->lock);
  /* Those that are idle may have been woken for jobs that came before. */
  if (readers->idle <= readers->queued && readers->threads < IO_READERS) start_thread(readers);
  bool taken = readers->threads > 0;
  if (taken) list_append(&readers->queue, &job->item.node);
  readers->queued += taken;
  pthread_cond_signal(&readers->changed);
  pthread_mutex_unlock(&readers->lock);
  return taken;
}

bool readers_withdraw(struct readers *readers, struct item_job *job) {
  bool waits = false;
  pthread_mutex_lock(&readers->lock);
  for (struct list_node *node = readers->queue.next; node != &readers->queue && !waits;
       node = node->next)
    waits = node == &job->item.node;
  if (waits) list_remove(&job->item.node);
  readers->queued -= waits;
  pthread_mutex_unlock(&readers->lock);
  return waits;
}

void readers_take(struct readers *readers, struct list_node *list) {
  pthread_mutex_lock(&readers->lock);
  list_splice(list, &readers->done);
  pthread_mutex_unlock(&readers->lock);
}

void readers_close(struct readers *readers) {
  if (!readers) return;
  pthread_mutex_lock(&readers->lock);
  readers->closing = true;
  bool hangs = readers->reading > 0;
  pthread_cond_broadcast(&readers->changed);
  pthread_mutex_unlock(&readers->lock);
  for (unsigned i = 0; i < readers->threads; i++)
    if (hangs)
      pthread_detach(readers->ids[i]);
    else
      pthread_join(readers->ids[i], NULL);
  pthread_mutex_lock(&readers->lock);
  leave(readers);
}
