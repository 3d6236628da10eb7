/*
 * h2/out.h - output that was made and is not acked: a ring of segments over one buffer.
 *
 * A segment is a run of bytes of our own, in the buffer, or bytes that a stream's body lent. Bytes
 * stay where they are until they are acked, so that the transport can use them in place.
 * Memory: buffer and ring are one object of shared->outs, held while there is output.
 */
#ifndef WEIR_H2_OUT_H
#define WEIR_H2_OUT_H

#include "engine/base/limits.h"
#include "engine/base/pool.h"
#include "engine/h2/stream.h"

struct h2_segment {
  struct span bytes;        /* what is left of it */
  struct h2_stream *lender; /* NULL: bytes of our own. Counted in lender->lent. */
};

struct h2_out {
  uint8_t *buffer; /* H2_OUT_BYTES behind the segments; unset while there are none */
  size_t used;     /* of the buffer */
  size_t bytes;    /* unacked, all segments */
  uint32_t first, count;
  struct h2_segment *segments; /* ring of H2_OUT_SEGMENTS, or NULL */
};

/* Size of the pool's objects. */
#define H2_OUT_OBJECT_BYTES (H2_OUT_SEGMENTS * sizeof(struct h2_segment) + H2_OUT_BYTES)

/* Takes memory unless there is some. False when it was refused. */
__attribute__((warn_unused_result)) bool h2_out_begin(struct h2_out *out, struct pool *pool);

/* Gives the memory back if nothing is left to be acked. */
void h2_out_end(struct h2_out *out, struct pool *pool);

/* Room for `bytes` more of our own, and for the segments of one more frame. */
bool h2_out_has_room(const struct h2_out *out, size_t bytes);

/* Where the next bytes of our own go, and how many fit. */
static inline uint8_t *h2_out_at(const struct h2_out *out) {
  return out->buffer + out->used;
}
static inline size_t h2_out_room(const struct h2_out *out) {
  return H2_OUT_BYTES - out->used;
}

/* Bytes from h2_out_at() up to `end` were written. */
void h2_out_wrote(struct h2_out *out, const uint8_t *end);

/* Appends bytes that a body lent. */
void h2_out_lend(struct h2_out *out, struct span bytes, struct h2_stream *lender);

/* The first segments, at most `max`; returns how many. */
size_t h2_out_peek(const struct h2_out *out, struct span *spans, size_t max);

/* The first `bytes` bytes have left. */
void h2_out_ack(struct h2_out *out, size_t bytes);

/* Nothing of it will leave any more. */
void h2_out_drop(struct h2_out *out);

#endif
