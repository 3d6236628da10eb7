/*
 * h2/out.h - output that was made and is not acked: a ring of segments over one buffer.
 *
 * A segment is a run of our own bytes in the buffer, or of bytes that a stream's body has lent.
 * Bytes do not move until they are acked, so the transport can use them in place.
 * Memory: buffer and ring are one object of shared->outs, which is held while there is output.
 */
#ifndef WEIR_H2_OUT_H
#define WEIR_H2_OUT_H

#include "engine/base/limits.h"
#include "engine/base/pool.h"
#include "engine/h2/stream.h"

struct h2_segment {
  struct span bytes;        /* those that are not acked */
  struct h2_stream *lender; /* counts it in `lent`; NULL: our own bytes */
};

struct h2_out {
  uint8_t *buffer; /* H2_OUT_BYTES, after the segments; undefined while there are none */
  size_t used;     /* bytes of the buffer */
  size_t bytes;    /* unacked, of all segments */
  uint32_t first, count;
  struct h2_segment *segments; /* ring of H2_OUT_SEGMENTS, or NULL */
};

/* Size of the pool's objects. */
#define H2_OUT_OBJECT_BYTES (H2_OUT_SEGMENTS * sizeof(struct h2_segment) + H2_OUT_BYTES)

/* Takes memory, unless it is held already. False when it was refused. */
__attribute__((warn_unused_result)) bool h2_out_begin(struct h2_out *out, struct pool *pool);

/* Gives the memory back if everything has been acked. */
void h2_out_end(struct h2_out *out, struct pool *pool);

/* Whether there is room for `bytes` more bytes of our own, and for the segments of one more frame.
 */
bool h2_out_has_room(const struct h2_out *out, size_t bytes);

/* Where our next bytes go, and how many fit. */
static inline uint8_t *h2_out_at(const struct h2_out *out) {
  return out->buffer + out->used;
}
static inline size_t h2_out_room(const struct h2_out *out) {
  return H2_OUT_BYTES - out->used;
}

/* We have written the bytes from h2_out_at() to `end`. */
void h2_out_wrote(struct h2_out *out, const uint8_t *end);

/* Appends bytes that a body lends. */
void h2_out_lend(struct h2_out *out, struct span bytes, struct h2_stream *lender);

/* Gets the first segments, at most `max`; returns how many. */
size_t h2_out_peek(const struct h2_out *out, struct span *spans, size_t max);

/* The transport has taken the first `bytes` bytes. */
void h2_out_ack(struct h2_out *out, size_t bytes);

/* Drops all output; none of it will leave. */
void h2_out_drop(struct h2_out *out);

#endif
