/*
 * ring/requests.h - the operations of an io_uring, one function each.
 *
 * Each takes a submission entry, which the next uring_enter() submits at the latest, and cannot fail: errors
 * arrive as completions. `user_data` comes back in them. What is pointed to is lent until the last completion,
 * unless a function says otherwise.
 */
#ifndef WEIR_IO_RING_REQUESTS_H
#define WEIR_IO_RING_REQUESTS_H

#include "engine/base/machine.h"
#include "io/ring/op.h"
#include "io/ring/uring.h"

struct sockaddr;

void uring_accept(struct uring *uring, int fd, bool again, uint64_t user_data);

/* `address` is read by the next uring_enter(). */
void uring_connect(struct uring *uring, int fd, const struct sockaddr *address, unsigned len,
                   uint64_t user_data);

/* Into buffers of the ring's group, of at most `bytes` each. */
void uring_receive(struct uring *uring, int fd, bool again, unsigned bytes, uint64_t user_data);

/* All of 1 .. IO_SEND_SPANS spans, unless the connection breaks. The spans themselves are copied. */
void uring_send(struct uring *uring, int fd, const struct span *spans, size_t count,
                uint64_t user_data);

void uring_poll(struct uring *uring, int fd, unsigned events, uint64_t user_data);

/* From `offset` of a file, or what comes next of anything else. */
void uring_read(struct uring *uring, int fd, void *buffer, unsigned len, uint64_t offset,
                uint64_t user_data);

/* Until `*at`, of CLOCK_MONOTONIC; it is read by the next uring_enter(). Completes with -ETIME. */
void uring_timeout(struct uring *uring, struct __kernel_timespec *at, uint64_t user_data);

/* Completes in the next turn. */
void uring_nop(struct uring *uring, uint64_t user_data);

/* Ends the operation `target`. Completes with 0, -ENOENT or -EALREADY; others are failures. */
void uring_cancel(struct uring *uring, uint64_t target, uint64_t user_data);

/* Takes up to `max` completions of those that uring_enter() found. It finds them in the order in which they came; where
 * it was asked again and again in between, some waited for milliseconds while later ones were found (Linux 6.18). */
unsigned uring_reap(struct uring *uring, struct ring_completion *out, unsigned max);

#endif
