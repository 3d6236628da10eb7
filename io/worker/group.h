/*
 * worker/group.h - all workers of a process: started together, told together, ended together.
 */
#ifndef WEIR_IO_WORKER_GROUP_H
#define WEIR_IO_WORKER_GROUP_H

#include "io/worker/worker.h"

struct worker_group {
  struct worker_config config;
  struct worker *workers;    /* config.count of them */
  struct ring_chosen chosen; /* the engine of all their rings, and why it is not io_uring */
  /* Private. */
  struct worker_orders orders;
  pthread_mutex_t lock; /* start only */
  pthread_cond_t changed;
  unsigned ready, failed;
  bool go, abandon;
  struct io_error error;
};

/* Any thread. Starts all workers; returns when every one has run its setup. On failure all have
 * ended, nothing is left, and error->text is one line ("io_uring is refused: ..."). */
__attribute__((warn_unused_result)) bool worker_group_start(struct worker_group *group,
                                                            const struct worker_config *config,
                                                            struct io_error *error);

/* Any thread, and a signal handler. No worker accepts any more: other processes have the same listening sockets.
 * To be followed by a drain, a while later: a connection that is drained before it said anything is closed. */
void worker_group_leave(struct worker_group *group);

/* Any thread, and a signal handler. Drains every worker; `deadline_ns` is of clock_now_ns(). */
void worker_group_drain(struct worker_group *group, uint64_t deadline_ns);

/* Any thread, and a signal handler: cuts every link, ends every worker. */
void worker_group_stop(struct worker_group *group);

/* Runs `deliver(worker, object)` on the thread of worker `index`, soon. Only the thread that started
 * the group may call this. False when the mailbox is full (IO_MAILBOX_ENTRIES): try again later. */
__attribute__((warn_unused_result)) bool
worker_group_post(struct worker_group *group, unsigned index,
                  void (*deliver)(struct worker *to, void *object), void *object);

/* The thread that started the group: whether each worker's loop has turned since the last call, or has ended in
 * order. Wakes them all, so that idle ones turn before the next call. */
__attribute__((warn_unused_result)) bool worker_group_has_turned(struct worker_group *group);

/* Waits for every worker's end, and frees. Not while another thread may still call the above. */
void worker_group_join(struct worker_group *group);

/* Counters of all workers added up; any thread, until worker_group_join() is called. */
struct loop_counters worker_group_counters(const struct worker_group *group);

#endif
