/*
 * base/out.c - see base/out.h.
 */
#include "engine/base/out.h"

#include <assert.h>

#ifdef WEIR_INVARIANTS
static void invariants(const struct out *out) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < out->count; i++)
    bytes += out->segments[(out->first + i) % OUT_SEGMENTS].bytes.len;
  assert(out->count <= OUT_SEGMENTS);
  assert(out->used <= out->room);
  const struct out_segment *open = out->open;
  assert(!open || open->bytes.base + open->bytes.len == out_at(out));
  assert(out->bytes == bytes);
}
#else
static void invariants(const struct out *out) {
  (void)out;
}
#endif

bool out_begin(struct out *out, struct pool *pool) {
  if (out->segments) return true;
  out->segments = pool_take(pool);
  if (!out->segments) return false;
  out->buffer = (uint8_t *)(out->segments + OUT_SEGMENTS);
  out->room = pool->object_bytes - OUT_SEGMENTS * sizeof *out->segments;
  out->used = out->first = out->count = 0;
  out->open = NULL;
  return true;
}

void out_end(struct out *out, struct pool *pool) {
  if (!out->segments || out->count) return;
  pool_give(pool, out->segments);
  out->segments = NULL;
}

static uint32_t place_of(const struct out *out, uint32_t i) {
  return (out->first + i) % OUT_SEGMENTS;
}

static struct out_segment *segment(const struct out *out, uint32_t i) {
  return &out->segments[place_of(out, i)];
}

static void append(struct out *out, struct span bytes, uint32_t *lent) {
  assert(bytes.len > 0);
  assert(out->count < OUT_SEGMENTS);
  struct out_segment *last = segment(out, out->count++);
  *last = (struct out_segment){.bytes = bytes, .lent = lent};
  out->open = lent ? NULL : last;
  out->bytes += bytes.len;
  if (lent) (*lent)++;
}

void out_wrote(struct out *out, const uint8_t *end) {
  size_t len = (size_t)(end - out_at(out));
  if (out->open) {
    out->open->bytes.len += len;
    out->bytes += len;
  } else {
    append(out, span_of(out_at(out), len), NULL);
  }
  out->used += len;
  invariants(out);
}

void out_take_back(struct out *out, size_t bytes) {
  struct span *last = &out->open->bytes;
  assert(last->len >= bytes);
  last->len -= bytes;
  out->bytes -= bytes;
  out->used -= bytes;
  if (last->len == 0) {
    out->open = NULL;
    out->count--;
  }
  invariants(out);
}

/* One more frame needs at most three segments: for its header, for lent bytes, and for what follows
 * them. */
bool out_has_room(const struct out *out, size_t bytes) {
  return out->count + 3 <= OUT_SEGMENTS && out_room(out) >= bytes;
}

void out_lend(struct out *out, struct span bytes, uint32_t *lent) {
  out->foreign &= ~(UINT64_C(1) << place_of(out, out->count));
  append(out, bytes, lent);
  invariants(out);
}

void out_lend_foreign(struct out *out, struct span bytes, uint32_t *loans) {
  out->foreign |= UINT64_C(1) << place_of(out, out->count);
  append(out, bytes, loans);
  invariants(out);
}

uint32_t *out_loans(const struct out *out, size_t which) {
  assert(which < out->count);
  bool foreign = out->foreign >> place_of(out, (uint32_t)which) & 1;
  return foreign ? segment(out, (uint32_t)which)->lent : NULL; /* our own bytes have none */
}

size_t out_peek(const struct out *out, struct span *spans, size_t max) {
  size_t count = 0;
  for (; count < max && count < out->count; count++)
    spans[count] = segment(out, (uint32_t)count)->bytes;
  return count;
}

static void first_done(struct out *out) {
  uint32_t *lent = segment(out, 0)->lent;
  if (lent) (*lent)--;
  out->first = (out->first + 1) % OUT_SEGMENTS;
  if (--out->count == 0) out->open = NULL;
}

void out_ack(struct out *out, size_t bytes) {
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

void out_drop(struct out *out) {
  while (out->count)
    first_done(out);
  out->bytes = 0;
}
