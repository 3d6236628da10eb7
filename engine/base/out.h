/*
 * base/out.h - output that was made and is not acked: a ring of segments over one buffer.
 *
 * A segment is a run of our own bytes in the buffer, or of bytes that someone lends.
 * Bytes do not move until they are acked, so the transport can use them in place.
 * Memory: buffer and ring are one object of a pool, which is held while there is output.
 */
#ifndef WEIR_BASE_OUT_H
#define WEIR_BASE_OUT_H

#include "engine/base/limits.h"
#include "engine/base/machine.h"
#include "engine/base/pool.h"

struct out_segment {
  struct span bytes; /* those that are not acked */
  uint32_t *lent;    /* the lender's count of such segments; NULL: our own bytes */
};

struct out {
  uint8_t *buffer; /* after the segments; undefined while there are none */
  size_t room;     /* bytes of the buffer: OUT_BYTES, or what the pool was made for */
  size_t used;     /* and those that are written */
  size_t bytes;    /* unacked, of all segments */
  /* The last segment, if it is of our own bytes: the next ones go on from it; else NULL. */
  struct out_segment *open;
  uint32_t first, count;
  struct out_segment *segments; /* ring of OUT_SEGMENTS, or NULL */
  uint64_t foreign; /* by place in the ring: lent with a count that outlives this output */
};
_Static_assert(OUT_SEGMENTS <= 64, "a bit for each");

/* Size of the pool's objects, for a buffer of OUT_BYTES or of `bytes`. Derived from bounds of limits.h. */
#define OUT_OBJECT_BYTES out_object_bytes(OUT_BYTES)
static inline size_t out_object_bytes(size_t bytes) {
  return OUT_SEGMENTS * sizeof(struct out_segment) + bytes;
}

/* Takes memory, unless it is held already. False when it was refused. */
__attribute__((warn_unused_result)) bool out_begin(struct out *out, struct pool *pool);

/* Gives the memory back if everything has been acked. */
void out_end(struct out *out, struct pool *pool);

/* Whether there is room for `bytes` more bytes of our own, and for the segments of one more frame. */
bool out_has_room(const struct out *out, size_t bytes);

/* Where our next bytes go, and how many fit. */
static inline uint8_t *out_at(const struct out *out) {
  return out->buffer + out->used;
}
static inline size_t out_room(const struct out *out) {
  return out->room - out->used;
}

/* We have written the bytes from out_at() to `end`. */
void out_wrote(struct out *out, const uint8_t *end);

/* The last `bytes` bytes, which were written in one piece, and of which none was peeked at, are not to be sent. */
void out_take_back(struct out *out, size_t bytes);

/* Appends bytes that someone lends: *lent is counted up until they have been acked or dropped. */
void out_lend(struct out *out, struct span bytes, uint32_t *lent);

/* The same for bytes that stay for as long as *loans is not 0, whatever becomes of this output. */
void out_lend_foreign(struct out *out, struct span bytes, uint32_t *loans);

/* The count of the segment `which`, as counted from the first, if it is one of out_lend_foreign(); else NULL. */
uint32_t *out_loans(const struct out *out, size_t which);

/* Gets the first segments, at most `max`; returns how many. */
size_t out_peek(const struct out *out, struct span *spans, size_t max);

/* The transport has taken the first `bytes` bytes. */
void out_ack(struct out *out, size_t bytes);

/* Drops all output; none of it will leave. */
void out_drop(struct out *out);

#endif
