/*
 * ring/ring.h - the operations of one thread, however the kernel performs them.
 *
 * An operation begins with one of the functions below and ends with a completion that carries its
 * `user_data`. Beginning one never fails and never waits: errors are completions, too. What is pointed to
 * is lent until the last completion.
 *
 *     ring_receive(ring, fd, ...)       links: link/recv.c
 *     ring_enter(ring, timeout_ns)      one turn: begins what is new, waits for what has ended
 *     ring_reap(ring, out, max)         takes some completions; those of one socket are in order
 *
 * Owner: one thread, which alone may use it.
 */
#ifndef WEIR_IO_RING_H
#define WEIR_IO_RING_H

#include "io/ring/requests.h"

struct ring {
  struct uring uring;
};

static inline unsigned ring_features(const struct ring *ring) {
  return ring->uring.features;
}

/* errno: the kernel takes no more operations, for good; 0: it does. */
static inline int ring_refused(const struct ring *ring) {
  return ring->uring.refused;
}

/* Turns in which completions had no room in the queue. */
static inline uint64_t ring_overflows(const struct ring *ring) {
  return ring->uring.overflows;
}

/* Begins what is new and collects what has ended. Waits for one completion until `timeout_ns` has passed
 * (0: does not wait; UINT64_MAX: for ever). */
static inline void ring_enter(struct ring *ring, uint64_t timeout_ns) {
  uring_enter(&ring->uring, timeout_ns);
}

/* Whether ring_reap() would take any. */
static inline bool ring_is_ready(const struct ring *ring) {
  return io_uring_cq_ready(&ring->uring.ring) != 0;
}

/* Takes up to `max` completions, at most IO_SETTLE_BATCH. */
static inline unsigned ring_reap(struct ring *ring, struct ring_completion *out, unsigned max) {
  return uring_reap(&ring->uring, out, max);
}

/* ---- sockets ---------------------------------------------------------------------------------- */

/* A connection; with `again`, one after the other. */
static inline void ring_accept(struct ring *ring, int fd, bool again, uint64_t user_data) {
  uring_accept(&ring->uring, fd, again, user_data);
}

/* `address` is read before ring_enter() returns. */
static inline void ring_connect(struct ring *ring, int fd, const struct sockaddr *address,
                                unsigned len, uint64_t user_data) {
  uring_connect(&ring->uring, fd, address, len, user_data);
}

/* What the socket has, into one of the loop's receive buffers, which hold `bytes` each; with `again`, one
 * buffer after the other until the connection ends. -ENOBUFS: there is no buffer. */
static inline void ring_receive(struct ring *ring, int fd, bool again, unsigned bytes,
                                uint64_t user_data) {
  uring_receive(&ring->uring, fd, again, bytes, user_data);
}

/* 1 .. IO_SEND_SPANS spans. Their bytes are lent, the spans are copied. May send less. */
static inline void ring_send(struct ring *ring, int fd, const struct span *spans, size_t count,
                             uint64_t user_data) {
  uring_send(&ring->uring, fd, spans, count, user_data);
}

/* Until one of the `events` of poll(2) holds, or the socket fails. Completes with what holds. */
static inline void ring_poll(struct ring *ring, int fd, unsigned events, uint64_t user_data) {
  uring_poll(&ring->uring, fd, events, user_data);
}

/* Ends the socket's operation `target`, of which the last completion follows, mostly with -ECANCELED.
 * Completes itself with 0, -ENOENT or -EALREADY; anything else is a failure. */
static inline void ring_cancel(struct ring *ring, uint64_t target, uint64_t user_data) {
  uring_cancel(&ring->uring, target, user_data);
}

#endif
