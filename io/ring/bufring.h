/*
 * ring/bufring.h - receive buffers of one worker, lent to the kernel through one provided-buffer ring, or
 * kept on a stack for a poller, which fills the one that was given back last.
 *
 * A buffer's life:
 *   1. In the ring it is the kernel's.
 *   2. A completion with RING_BUFFER names it: bufring_take() makes it ours.
 *   3. The machine borrows its bytes.
 *   4. bufring_give() puts it back into the ring.
 *
 * Invariant: every buffer is either the kernel's or ours; a bitmap says which, and both transitions
 * assert it. A buffer given back twice would let two sockets write into it, and one
 * peer would read another's bytes.
 * Needs: Linux 5.19 (IORING_REGISTER_PBUF_RING).
 */
#ifndef WEIR_IO_BUFRING_H
#define WEIR_IO_BUFRING_H

#include "engine/base/machine.h"
#include "io/base/error.h"

#include <liburing.h>

enum { BUFRING_GROUP = 0 }; /* buffer group id; one ring a worker */

struct bufring {
  struct io_uring *ring;
  struct io_uring_buf_ring *entries; /* NULL without a ring */
  uint16_t *spare; /* a poller's: a stack of the buffers that are not ours; NULL with a ring */
  uint32_t spare_count;
  uint8_t *base;        /* count * bytes, page aligned */
  uint64_t *ours;       /* bit per buffer: taken and not given back */
  uint16_t *next;       /* per buffer: chain of deferred input (link/recv.c) */
  uint32_t *filled;     /* per buffer: bytes received into it, while ours */
  uint32_t count;       /* power of two */
  uint32_t bytes;       /* of one buffer */
  uint32_t out;         /* buffers that are ours now */
  uint16_t unpublished; /* given back and not yet shown to the kernel */
};

/* Allocates and registers; `ring` is NULL for a poller. On failure nothing is left behind; error->code is
 * EINVAL when the kernel knows no buffer rings. */
__attribute__((warn_unused_result)) bool bufring_open(struct bufring *bufring,
                                                      struct io_uring *ring, uint32_t count,
                                                      uint32_t bytes, struct io_error *error);

/* The ring must not be receiving any more. */
void bufring_close(struct bufring *bufring);

/* The buffer `id` of a completion, `len` bytes of it. Asserts that it was the kernel's. */
struct span bufring_take(struct bufring *bufring, uint16_t id, uint32_t len);

/* Gives a buffer back. Asserts that it was ours. Shown to the kernel by bufring_publish(). */
void bufring_give(struct bufring *bufring, uint16_t id);

/* Shows all buffers that were given back to the kernel, with one store. */
void bufring_publish(struct bufring *bufring);

/* For a poller: the buffer to be filled next, -1 for none. Once it was filled, bufring_lend() takes it off the
 * stack. */
static inline int bufring_spare(const struct bufring *bufring) {
  return bufring->spare_count ? bufring->spare[bufring->spare_count - 1] : -1;
}

static inline void bufring_lend(struct bufring *bufring) {
  bufring->spare_count--;
}

static inline uint8_t *bufring_base(const struct bufring *bufring, uint16_t id) {
  return bufring->base + (size_t)id * bufring->bytes;
}

/* The bytes of a buffer that is ours. */
static inline struct span bufring_bytes(const struct bufring *bufring, uint16_t id) {
  return span_of(bufring_base(bufring, id), bufring->filled[id]);
}

#endif
