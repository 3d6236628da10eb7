/*
 * worker/worker.h - a pinned thread with its own ring, links, buffers, timers, counters and mailbox.
 *
 * One turn of a worker:
 *
 *     submit + wait (until a completion, a message, or the next timer)
 *       -> completions: parse what arrived; queue everything else
 *       -> timers, messages
 *       -> flush: deferred input, then one send for every link that has something to send
 *
 * Workers share nothing; other threads reach one through its mailbox. Everything below is called on the worker's
 * own thread unless it says otherwise.
 */
#ifndef WEIR_IO_WORKER_H
#define WEIR_IO_WORKER_H

#include "io/base/clock.h"
#include "io/base/error.h"
#include "io/base/limits.h"
#include "io/base/mailbox.h"
#include "io/base/timer.h"
#include "io/link/link.h"
#include "io/ring/bufring.h"
#include "io/ring/uring.h"

#include <pthread.h>
#include <stdatomic.h>

struct worker;
struct worker_group;
struct acceptor;

/* --- asynchronous operations of any kind ---
 *
 *     op->done = file_was_read;
 *     struct io_uring_sqe *sqe = worker_sqe(worker, op);
 *     if (!sqe) ...                       // IO_OPS_MAX are under way: refuse the work
 *     io_uring_prep_read(sqe, fd, ...);   // any prep function; leave user_data alone
 *
 * The op is embedded in its owner and stays in place until done() is called for the last time
 * (`flags` without IORING_CQE_F_MORE). done() runs while completions are reaped, never inside a
 * machine's call: it may submit, arm timers, give work to engines and call machine_host.wake(). Ops
 * that are under way when a worker ends are cancelled, and their done() comes before the hook
 * stopped(). IOSQE_CQE_SKIP_SUCCESS is not for ops: each gets exactly one final completion. */
struct worker_op {
  void (*done)(struct worker_op *op, int result, unsigned flags);
  struct worker *worker; /* set by worker_sqe() */
  uint32_t slot;
  bool under_way;
};

__attribute__((warn_unused_result)) struct io_uring_sqe *worker_sqe(struct worker *worker,
                                                                    struct worker_op *op);

/* Asks the kernel to end an op that is under way; its done() follows, mostly with -ECANCELED. */
void worker_op_cancel(struct worker_op *op);

/* --- counters: one writer, read with counter_get() from anywhere --- */

struct worker_counters {
  uint64_t turns;
  uint64_t turns_watched; /* those whose CPU time was measured: each after one of IO_TURN_SLOW_NS */
  uint64_t turns_long;    /* of them, with more than IO_TURN_LONG_NS of it */
  uint64_t links_accepted;
  uint64_t links_dialed;
  uint64_t links_closed; /* links open now = accepted + dialed - closed */
  uint64_t links_refused;
  uint64_t links_cut; /* of the closed: by an error, a stall or an order, with RST */
  uint64_t links_stalled;
  uint64_t links_shed;    /* drained while idle, to make room for others */
  uint64_t links_held;    /* how often one had had its part and waited until it was due */
  uint64_t accept_errors; /* EMFILE and the like: accepting paused */
  uint64_t recv_bytes;
  uint64_t recv_calls;
  uint64_t send_bytes;
  uint64_t send_calls;
  uint64_t send_short;   /* the socket took less than offered at first */
  uint64_t recv_starved; /* the buffer ring was empty */
  uint64_t recv_paused;  /* a machine did not want input */
  uint64_t late_completions;
  uint64_t cq_overflows;
};

/* --- a worker --- */

struct worker {
  _Alignas(64) unsigned index; /* no two workers share a cache line */
  uint64_t now_ns;             /* monotonic; read once a turn */
  void *user;                  /* the program's own, for its hooks */
  struct timers timers;
  struct worker_counters counters;

  /* Private from here on. */
  struct worker_group *group;
  struct uring uring;
  bool has_ring;
  struct bufring bufring;
  struct links links;
  struct op_table {
    struct op_slot {
      struct worker_op *op;
      uint32_t generation;
      uint32_t free_next;
    } * slots;
    uint32_t capacity, free_first, under_way;
  } ops;
  struct acceptor *acceptors;
  uint8_t *scratch; /* IO_TURN_RECV_BYTES, for receiving without a buffer ring */
  struct send_arena *send_arena;
  uint64_t turn;
  bool paused; /* before this turn it waited for a completion, or for its time to pass */
  struct turn_watch {
    bool slow;       /* the last turn was, by the clock */
    uint64_t cpu_ns; /* the thread's, when this turn began; 0: not watched */
  } watch;
  uint64_t drain_deadline_ns;
  bool draining, stopping;
  struct timer second_timer;
  struct timer drain_timer;
  struct worker_op wake_op;
  int wake_fd; /* eventfd */
  uint64_t wake_value;
  struct mailbox inbox;      /* from the thread that started the group */
  _Atomic bool wake_pending; /* a wake-up is on its way: no second one is needed */
  pthread_t thread;
  bool has_thread;
};

/* Stops taking connections, tells every machine to drain; the worker's thread ends when the last
 * link is gone and no op is under way, at `deadline_ns` at the latest (links are then cut). */
void worker_drain(struct worker *worker, uint64_t deadline_ns);

/* Called by link/link.c when a slot became free: accepting may go on. */
void worker_link_closed(struct worker *worker);

/* --- the group: all workers of a process --- */

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
};

struct worker_config {
  unsigned count;         /* workers, 1 .. IO_WORKERS_MAX */
  bool pin;               /* each to one core of the affinity mask */
  unsigned disabled;      /* URING_* features not to be used, even if the kernel has them */
  uint32_t links_max;     /* per worker; 0: IO_LINKS_MAX */
  uint32_t buffer_count;  /* per worker, a power of two; 0: IO_BUFFER_COUNT */
  uint32_t buffer_bytes;  /* 0: IO_BUFFER_BYTES */
  uint64_t send_stall_ns; /* 0: IO_SEND_STALL_NS */
  struct worker_hooks hooks;
};

struct worker_group {
  struct worker_config config;
  struct worker *workers; /* config.count of them; uring.features says what the kernel offered */
  /* Private. */
  _Atomic unsigned order; /* what every worker is to do: run, drain, stop */
  _Atomic uint64_t drain_deadline_ns;
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

/* Any thread, and a signal handler. Drains every worker; `deadline_ns` is of clock_now_ns(). */
void worker_group_drain(struct worker_group *group, uint64_t deadline_ns);

/* Any thread, and a signal handler: cuts every link, ends every worker. */
void worker_group_stop(struct worker_group *group);

/* Runs `deliver(worker, object)` on the thread of worker `index`, soon. Only the thread that started
 * the group may call this. False when the mailbox is full (IO_MAILBOX_ENTRIES): try again later. */
__attribute__((warn_unused_result)) bool
worker_group_post(struct worker_group *group, unsigned index,
                  void (*deliver)(struct worker *to, void *object), void *object);

/* Waits for every worker's end, and frees. Not while another thread may still call the above. */
void worker_group_join(struct worker_group *group);

/* Counters of all workers added up; any thread, until worker_group_join() is called. */
struct worker_counters worker_group_counters(const struct worker_group *group);

#endif
