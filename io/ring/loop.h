/*
 * ring/loop.h - one thread's event loop: its ring, receive buffers, timers, clock and counters, and
 * asynchronous operations of any kind on that ring.
 *
 * An operation:
 *
 *     op->done = file_was_read;
 *     if (!loop_read(loop, op, fd, ...)) ...   // IO_OPS_MAX are under way: refuse the work
 *
 * The op is embedded in its owner and stays in place until done() is called for the last time
 * (`flags` without RING_MORE). done() runs while completions are reaped, never inside a machine's call:
 * it may begin operations, arm timers, give work to engines and call machine_host.wake(). Ops that are
 * under way when the loop ends are cancelled and awaited.
 *
 * Owner: one thread, which alone calls what is below; only counters may be read by others.
 */
#ifndef WEIR_IO_LOOP_H
#define WEIR_IO_LOOP_H

#include "io/base/pages.h"
#include "io/base/timer.h"
#include "io/base/writes.h"
#include "io/ring/bufring.h"
#include "io/ring/ring.h"

struct loop;

struct loop_op {
  void (*done)(struct loop_op *op, int result, unsigned flags);
  struct loop *loop; /* private from here on, but for under_way */
  uint32_t slot;
  int fd; /* -1: a job */
  bool under_way;
  union {
    struct __kernel_timespec at; /* io_uring's timeout */
    struct item_job job;         /* a poller's */
  };
};

/* What the loop and everything on it have counted. One writer; read with counter_get() from
 * anywhere. */
struct loop_counters {
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
  uint64_t links_held;    /* how often a link had had its part and waited until it was due */
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

/* Operations under way, found by slot. */
struct loop_op_slot {
  struct loop_op *op; /* NULL: free */
  uint32_t generation;
  uint32_t free_next;
};
struct loop_ops {
  struct loop_op_slot *slots;
  uint32_t capacity, free_first, under_way;
};

struct loop {
  uint64_t now_ns; /* clock_now_ns(), read once a turn */
  uint64_t turn;   /* turns so far */
  bool paused;     /* before this turn the loop waited for a completion, or for time to pass */
  bool ending;     /* no new operations */
  bool has_ring;
  struct timers timers;
  struct ring ring;
  struct bufring bufring; /* closed without URING_BUFFER_RING */
  struct loop_ops ops;
  struct loop_counters counters;
  struct pages pages;
  struct writes writes; /* to files that are open for reading */
};

/* Sets up the ring for the calling thread, with `buffer_count` receive buffers of `buffer_bytes`
 * where the kernel has buffer rings. `disabled`: URING_* features not to be used. On failure nothing
 * is left behind, and error->text is as from ring_open(). */
__attribute__((warn_unused_result)) bool loop_open(struct loop *loop, enum ring_choice engine,
                                                   unsigned disabled, uint32_t buffer_count,
                                                   uint32_t buffer_bytes, struct io_error *error);

/* Frees the ring, the buffers and the pages, and ends the look-out for writes. A loop that was never
 * opened, all zero, is allowed. */
void loop_close(struct loop *loop);

/* Each begins an operation of ring/ring.h. `op` must not be under way (asserted), and its done() is set.
 * False when IO_OPS_MAX are under way, memory is refused, the descriptor cannot be attached or the loop is ending;
 * done() is not called then. A descriptor that was used is closed by ring_close_fd(). */
__attribute__((warn_unused_result)) bool loop_accept(struct loop *loop, struct loop_op *op, int fd,
                                                     bool again);
__attribute__((warn_unused_result)) bool loop_connect(struct loop *loop, struct loop_op *op, int fd,
                                                      const struct sockaddr *address, unsigned len);
__attribute__((warn_unused_result)) bool loop_poll(struct loop *loop, struct loop_op *op, int fd,
                                                   unsigned events);

/* From `offset` of a file, which may wait for a disk. */
__attribute__((warn_unused_result)) bool loop_read(struct loop *loop, struct loop_op *op, int fd,
                                                   void *buffer, unsigned len, uint64_t offset);

/* From an eventfd or a pipe, once it has something. */
__attribute__((warn_unused_result)) bool loop_read_ready(struct loop *loop, struct loop_op *op,
                                                         int fd, void *buffer, unsigned len);

/* At a time of clock_now_ns(), with a result of -ETIME. More precise than a timer. */
__attribute__((warn_unused_result)) bool loop_timeout(struct loop *loop, struct loop_op *op,
                                                      uint64_t at_ns);

/* In the next turn. */
__attribute__((warn_unused_result)) bool loop_nop(struct loop *loop, struct loop_op *op);

/* Asks to end an op; its done() follows, mostly with -ECANCELED. Nothing happens when the
 * op is not under way. */
void loop_op_cancel(struct loop_op *op);

/* The same for every op that is under way. */
void loop_cancel_all(struct loop *loop);

/* A completion of kind OP_LOOP: calls its op's done(). One that belongs to no op is counted. */
void loop_op_completed(struct loop *loop, const struct ring_completion *completion);

#endif
