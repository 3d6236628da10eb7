/*
 * ring/ring.h - the operations of one thread, however the kernel performs them.
 *
 * An operation begins with one of the functions below and ends with a completion that carries its
 * `user_data`. Beginning one never fails and never waits: errors are completions, too. What is pointed to
 * is lent until the last completion.
 *
 *     ring_receive(ring, fd, ...)       begins one
 *     ring_enter(ring, timeout_ns)      once a turn: hands the kernel what is new, waits for what has ended
 *     ring_reap(ring, out, max)         takes some completions; those of one socket are in order
 *
 * There are two engines: io_uring (ring/requests.h) and epoll (ring/poller.h). Each function branches between them. One
 * socket has at most one operation for input (accept, receive, a poll for POLLIN) and one for output at a time.
 *
 * Owner: one thread, which alone may use it.
 */
#ifndef WEIR_IO_RING_H
#define WEIR_IO_RING_H

#include "io/ring/choice.h"
#include "io/ring/poller.h"
#include "io/ring/requests.h"

#include <unistd.h>

struct bufring;

struct ring {
  unsigned features;     /* enum uring_feature: in use */
  struct poller *poller; /* NULL: io_uring */
  struct uring uring;
};

/* Sets up a ring for the calling thread. `engine` is not RING_AUTO (asserted); `bufring` may be opened later. On
 * failure nothing is left behind, and error->text is one line. */
__attribute__((warn_unused_result)) bool ring_open(struct ring *ring, enum ring_choice engine,
                                                   unsigned disabled, struct bufring *bufring,
                                                   struct io_error *error);

void ring_close(struct ring *ring);

/* Why ring_refused(): one line. */
void ring_explain_refused(const struct ring *ring, struct io_error *error);

static inline unsigned ring_features(const struct ring *ring) {
  return ring->features;
}

/* errno: the kernel takes no more operations, for good; 0: it does. */
static inline int ring_refused(const struct ring *ring) {
  return ring->poller ? poller_refused(ring->poller) : ring->uring.refused;
}

/* Turns in which completions had no room in the queue. */
static inline uint64_t ring_overflows(const struct ring *ring) {
  return ring->uring.overflows;
}

/* Begins what is new and collects what has ended. Waits for one completion until `timeout_ns` has passed
 * (0: does not wait; UINT64_MAX: for ever). */
static inline void ring_enter(struct ring *ring, uint64_t timeout_ns) {
  if (ring->poller)
    poller_enter(ring->poller, timeout_ns);
  else
    uring_enter(&ring->uring, timeout_ns);
}

/* As uring_batch(). False: this engine cannot. */
__attribute__((warn_unused_result)) static inline bool ring_batch(struct ring *ring, unsigned count,
                                                                  unsigned us) {
  return !ring->poller && uring_batch(&ring->uring, count, us);
}

/* Whether ring_enter() would not wait. */
static inline bool ring_is_ready(const struct ring *ring) {
  return ring->poller ? poller_is_ready(ring->poller) : io_uring_cq_ready(&ring->uring.ring) != 0;
}

/* Takes up to `max` completions, at most IO_SETTLE_BATCH. */
static inline unsigned ring_reap(struct ring *ring, struct ring_completion *out, unsigned max) {
  return ring->poller ? poller_reap(ring->poller, out, max) : uring_reap(&ring->uring, out, max);
}

/* ---- sockets ---------------------------------------------------------------------------------- */

/* Must be called before the first operation on a descriptor. `events` of epoll_ctl(2) may come; 0: all of
 * them. With EPOLLEXCLUSIVE, others wait for the same listening socket. False, with errno: no memory, or
 * the system's limit on watches. */
__attribute__((warn_unused_result)) static inline bool ring_attach(struct ring *ring, int fd,
                                                                   unsigned events) {
  return ring->poller ? poller_attach(ring->poller, fd, events) : true;
}

/* For a shared listening socket without an operation: the kernel then wakes others, and does not take this ring
 * for one that waits. */
static inline void ring_detach(struct ring *ring, int fd) {
  if (ring->poller) poller_detach(ring->poller, fd);
}

/* Closes a descriptor that was attached; its operations have ended. */
static inline void ring_close_fd(struct ring *ring, int fd) {
  if (ring->poller)
    poller_close_fd(ring->poller, fd);
  else
    close(fd);
}

/* A connection; with `again`, one after the other. */
static inline void ring_accept(struct ring *ring, int fd, bool again, uint64_t user_data) {
  if (ring->poller)
    poller_accept(ring->poller, fd, again, user_data);
  else
    uring_accept(&ring->uring, fd, again, user_data);
}

/* `address` is read before ring_enter() returns. */
static inline void ring_connect(struct ring *ring, int fd, const struct sockaddr *address,
                                unsigned len, uint64_t user_data) {
  if (ring->poller)
    poller_connect(ring->poller, fd, address, len, user_data);
  else
    uring_connect(&ring->uring, fd, address, len, user_data);
}

/* What the socket has, into one of the loop's receive buffers, which hold `bytes` each; with `again`, one
 * buffer after the other until the connection ends. -ENOBUFS: there is no buffer. */
static inline void ring_receive(struct ring *ring, int fd, bool again, unsigned bytes,
                                uint64_t user_data) {
  if (ring->poller)
    poller_receive(ring->poller, fd, again, user_data);
  else
    uring_receive(&ring->uring, fd, again, bytes, user_data);
}

/* 1 .. IO_SEND_SPANS spans. Their bytes are lent, the spans are copied. May send less. */
static inline void ring_send(struct ring *ring, int fd, const struct span *spans, size_t count,
                             uint64_t user_data) {
  if (ring->poller)
    poller_send(ring->poller, fd, spans, count, user_data);
  else
    uring_send(&ring->uring, fd, spans, count, user_data);
}

/* Until one of the `events` of poll(2) holds, or the socket fails. Completes with what holds. */
static inline void ring_poll(struct ring *ring, int fd, unsigned events, uint64_t user_data) {
  if (ring->poller)
    poller_poll(ring->poller, fd, events, user_data);
  else
    uring_poll(&ring->uring, fd, events, user_data);
}

/* Ends the operation `target` of a descriptor, of which the last completion follows, mostly with -ECANCELED.
 * Completes itself with 0, -ENOENT or -EALREADY; anything else is a failure. */
static inline void ring_cancel(struct ring *ring, int fd, uint64_t target, uint64_t user_data) {
  if (ring->poller)
    poller_cancel(ring->poller, fd, target, user_data);
  else
    uring_cancel(&ring->uring, target, user_data);
}

#endif
