/*
 * h2/out.c - see h2/out.h.
 */
#include "engine/h2/out.h"

#include <assert.h>

#ifdef WEIR_INVARIANTS
static void invariants(const struct h2_out *out) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < out->count; i++)
    bytes += out->segments[(out->first + i) % H2_OUT_SEGMENTS].bytes.len;
  assert(out->count <= H2_OUT_SEGMENTS);
  assert(out->used <= H2_OUT_BYTES);
  assert(out->bytes == bytes);
}
#else
static void invariants(const struct h2_out *out) {
  (void)out;
}
#endif

bool h2_out_begin(struct h2_out *out, struct pool *pool) {
  if (out->segments) return true;
  out->segments = pool_take(pool);
  if (!out->segments) return false;
  out->buffer = (uint8_t *)(out->segments + H2_OUT_SEGMENTS);
  out->used = out->first = out->count = 0;
  return true;
}

void h2_out_end(struct h2_out *out, struct pool *pool) {
  if (!out->segments || out->count) return;
  pool_give(pool, out->segments);
  out->segments = NULL;
}

static struct h2_segment *segment(const struct h2_out *out, uint32_t i) {
  return &out->segments[(out->first + i) % H2_OUT_SEGMENTS];
}

static void append(struct h2_out *out, struct span bytes, struct h2_stream *lender) {
  assert(bytes.len > 0);
  assert(out->count < H2_OUT_SEGMENTS);
  *segment(out, out->count++) = (struct h2_segment){.bytes = bytes, .lender = lender};
  out->bytes += bytes.len;
  if (lender) lender->lent++;
  invariants(out);
}

void h2_out_wrote(struct h2_out *out, const uint8_t *end) {
  size_t len = (size_t)(end - h2_out_at(out));
  struct h2_segment *last = out->count ? segment(out, out->count - 1) : NULL;
  if (last && !last->lender && last->bytes.base + last->bytes.len == h2_out_at(out)) {
    last->bytes.len += len;
    out->bytes += len;
  } else {
    append(out, span_of(h2_out_at(out), len), NULL);
  }
  out->used += len;
}

/* One more frame needs at most three segments: for its header, for lent bytes, and for what follows
 * them. */
bool h2_out_has_room(const struct h2_out *out, size_t bytes) {
  return out->count + 3 <= H2_OUT_SEGMENTS && h2_out_room(out) >= bytes;
}

void h2_out_lend(struct h2_out *out, struct span bytes, struct h2_stream *lender) {
  append(out, bytes, lender);
}

size_t h2_out_peek(const struct h2_out *out, struct span *spans, size_t max) {
  size_t count = 0;
  for (; count < max && count < out->count; count++)
    spans[count] = segment(out, (uint32_t)count)->bytes;
  return count;
}

static void first_done(struct h2_out *out) {
  struct h2_stream *lender = segment(out, 0)->lender;
  if (lender) lender->lent--;
  out->first = (out->first + 1) % H2_OUT_SEGMENTS;
  out->count--;
}

void h2_out_ack(struct h2_out *out, size_t bytes) {
  assert(bytes <= out->bytes);
  out->bytes -= bytes;
  while (bytes > 0) {
    struct span *left = &segment(out, 0)->bytes;
    size_t take = bytes < left->len ? bytes : left->len;
    left->base += take;
    left->len -= take;
    bytes -= take;
    if (left->len == 0) first_done(out);
  }
  if (out->count == 0) out->used = 0;
  invariants(out);
}

void h2_out_drop(struct h2_out *out) {
  while (out->count)
    first_done(out);
  out->bytes = 0;
}
