/*
 * worker/worker.h - a pinned thread with its own loop, links, listening sockets and mailbox.
 *
 * One turn of a worker:
 *
 *     submit + wait (until a completion, a message, or the next timer)
 *       -> deferred input
 *       -> completions: parse what arrived; queue everything else
 *       -> timers, messages
 *       -> flush: one send for every link that has something to send
 *
 * Workers share nothing; other threads reach one through its mailbox. Everything below is called on
 * the worker's own thread unless it says otherwise.
 *
 * A worker's life, as its group drives it:
 *
 *     worker_open -> setup hook -> worker_run -> worker_end -> stopped hook -> worker_close
 *     (all on the worker's thread)
 *     worker_release (after all threads were joined)
 */
#ifndef WEIR_IO_WORKER_H
#define WEIR_IO_WORKER_H

#include "io/base/clock.h"
#include "io/base/mailbox.h"
#include "io/link/accept.h"
#include "io/link/listener.h"

#include <pthread.h>

struct worker;
struct worker_group;

struct worker_hooks {
  void *ctx;
  /* Worker's thread, before its first turn: make the engine, serve listeners, dial. False fails
   * worker_group_start() with error->text. */
  bool (*setup)(struct worker *worker, void *ctx, struct io_error *error);
  /* About once a second (wall clock, date header, watch lists). May be NULL. */
  void (*second)(struct worker *worker, void *ctx);
  /* Worker's thread, after its last turn; every machine is closed. Also after a setup that
   * succeeded on this worker when another one failed. May be NULL. */
  void (*stopped)(struct worker *worker, void *ctx);
  /* Worker's thread: the kernel refuses its ring from now on. What it holds stays as it is, `stopped`
   * is not called, and the thread ends. May be NULL. */
  void (*refused)(struct worker *worker, void *ctx, const struct io_error *why);
};

struct worker_config {
  unsigned count;          /* workers, 1 .. IO_WORKERS_MAX */
  bool pin;                /* each to one core of the affinity mask, */
  unsigned pin_first;      /* from this one on, counted from 0; past the last comes the first */
  enum ring_choice ring;   /* engine of all workers' rings */
  unsigned disabled;       /* URING_* features not to be used, even if the kernel has them */
  uint32_t links_max;      /* per worker; 0: IO_LINKS_MAX */
  uint32_t buffer_count;   /* per worker, a power of two; 0: IO_BUFFER_COUNT */
  uint32_t buffer_bytes;   /* 0: IO_BUFFER_BYTES */
  uint64_t keep_bytes_max; /* 0: IO_KEEP_BYTES_MAX */
  uint64_t send_stall_ns;  /* 0: IO_SEND_STALL_NS */
  uint64_t yield_ns;       /* see struct links_settings */
  struct worker_hooks hooks;
};

/* What all workers of a group are to do. Written by any thread, before worker_wake(). */
struct worker_orders {
  _Atomic unsigned order; /* enum worker_order */
  _Atomic uint64_t drain_deadline_ns;
};
enum worker_order { WORKER_RUN, WORKER_LEAVE, WORKER_DRAIN, WORKER_STOP };

struct worker {
  _Alignas(64) unsigned index; /* no two workers share a cache line */
  void *user;                  /* the program's own, for its hooks */
  struct loop loop;
  struct links links;
  bool draining;

  /* Private from here on. */
  struct worker_group *group; /* for worker/group.c */
  const struct worker_config *config;
  struct worker_orders *orders;
  struct acceptors acceptors;
  bool reaps_singly;      /* the last completions were slow: IO_COMPLETION_SLOW_NS */
  uint64_t closed_before; /* counters.links_closed when accepting was last resumed */
  struct turn_watch {
    bool slow;       /* the last turn was, by the clock */
    uint64_t cpu_ns; /* the thread's, when this turn began; 0: not watched */
  } watch;
  uint64_t drain_deadline_ns;
  struct timer second_timer;
  struct timer drain_timer;
  struct loop_op wake_op;
  int wake_fd; /* eventfd */
  uint64_t wake_value;
  struct mailbox inbox;      /* from the thread that started the group */
  _Atomic bool wake_pending; /* a wake-up is on its way: no second one is needed */
  _Atomic bool ended;        /* its loop turns no more: as it should, or its ring is refused */
  uint64_t turns_seen;       /* by worker_group_has_turned() */
  pthread_t thread;
  bool has_thread;
};

/* In the setup hook, or later on the worker's thread: takes the worker's sockets of `listener` and makes
 * links from them until the worker drains. The factory is copied; its ctx must live as long as the worker.
 * False when memory ran out. */
__attribute__((warn_unused_result)) bool
worker_listen(struct worker *worker, struct listener *listener, struct machine_factory factory);

/* Stops taking connections from the sockets whose factory has that ctx; see acceptors_end(). */
void worker_unlisten(struct worker *worker, const void *ctx);

/* Stops taking connections, tells every machine to drain; the worker's thread ends when the last
 * link is gone and no op is under way, at `deadline_ns` at the latest (links are then cut). Of
 * several deadlines the earliest stands. */
void worker_drain(struct worker *worker, uint64_t deadline_ns);

/* --- for worker/group.c --- */

/* Loop, links, timers. On failure what was opened is left to close and release. */
__attribute__((warn_unused_result)) bool worker_open(struct worker *worker, struct io_error *error);

/* Turns until the worker has drained. False: the kernel refuses the ring from now on, and nothing of
 * the worker can move or end any more. */
__attribute__((warn_unused_result)) bool worker_run(struct worker *worker);

/* Cuts the links that are left; cancels and awaits the operations that are left. */
void worker_end(struct worker *worker);

void worker_close(struct worker *worker);

/* Closes the loop, and the descriptor by which others wake this worker: not before all workers have
 * ended. Wake-ups would reach whatever got the number next; and the kernel gives a ring's addresses to
 * the next ring, which thread checkers take for two threads on one ring. */
void worker_release(struct worker *worker);

/* Any thread, and a signal handler: the worker looks at its orders and its mailbox. */
void worker_wake(struct worker *worker);

#endif
