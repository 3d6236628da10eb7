/*
 * trace/outside.c - see trace/outside.h.
 */
#include "tools/trace/outside.h"

#include <string.h>

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* ---- TLS records ----------------------------------------------------------------------------- */

void trace_tls_records_pass(struct trace_tls_records *records, struct span bytes, uint64_t now_ns) {
  records->since_ns = now_ns;
  while (records->on && bytes.len > 0) {
    if (records->have == 0) records->begin_ns = now_ns;
    size_t took;
    if (records->have < sizeof records->header) {
      took = least(bytes.len, sizeof records->header - records->have);
      memcpy(records->header + records->have, bytes.base, took);
      records->have += (uint8_t)took;
      records->left = (uint32_t)records->header[3] << 8 | records->header[4];
    } else {
      took = least(bytes.len, records->left);
      records->left -= (uint32_t)took;
    }
    bytes = span_of(bytes.base + took, bytes.len - took);
    if (records->have < sizeof records->header || records->left > 0) continue;
    records->have = 0;
    if (records->begin_ns < records->since_ns) records->since_ns = records->begin_ns;
  }
}

/* ---- the machine ----------------------------------------------------------------------------- */

/* Bytes that the inner machine did not take are offered again, so they must not be counted now.
 * `records` goes back to where it stopped. */
static size_t offer(struct trace_outside *outside, struct span in, uint64_t now_ns) {
  const struct trace_tls_records before = outside->records;
  if (in.len == 0) return 0;
  trace_tls_records_pass(&outside->records, in, now_ns);
  size_t took = wrap_recv(outside, in, now_ns);
  if (took == in.len) return took;
  outside->records = before;
  trace_tls_records_pass(&outside->records, span_of(in.base, took), now_ns);
  return took;
}

static size_t outside_recv(void *self, struct span in, uint64_t now_ns) {
  struct trace_outside *outside = self;
  uint64_t room = trace_bucket_room(outside->bucket, now_ns);
  size_t len = room < in.len ? (size_t)room : in.len;
  size_t took = offer(outside, span_of(in.base, len), now_ns);
  trace_bucket_take(outside->bucket, took);
  *outside->bytes_in += took;
  outside->parched = len < in.len || trace_bucket_room(outside->bucket, now_ns) == 0;
  return took;
}

static void outside_tick(void *self, uint64_t now_ns) {
  struct trace_outside *outside = self;
  if (outside->parched && trace_bucket_room(outside->bucket, now_ns) >= TRACE_SEGMENT_BYTES)
    outside->parched = false;
  if (wrap_deadline_ns(self) <= now_ns) wrap_tick(self, now_ns);
}

static uint64_t outside_deadline_ns(const void *self) {
  const struct trace_outside *outside = self;
  uint64_t inner_ns = wrap_deadline_ns(self);
  if (!outside->parched) return inner_ns;
  uint64_t next_ns = trace_bucket_next_ns(outside->bucket);
  return next_ns < inner_ns ? next_ns : inner_ns;
}

static unsigned outside_wants(const void *self) {
  const struct trace_outside *outside = self;
  unsigned wants = wrap_wants(self);
  return outside->parched ? wants & ~(unsigned)MACHINE_RECV : wants;
}

void trace_outside_around(struct trace_outside *outside, struct machine *machine) {
  static const struct machine_ops ops = {
      .recv = outside_recv,
      .recv_eof = wrap_recv_eof,
      .send_peek = wrap_send_peek,
      .send_ack = wrap_send_ack,
      .tick = outside_tick,
      .deadline_ns = outside_deadline_ns,
      .wants = outside_wants,
      .drain = wrap_drain,
      .idle_since_ns = wrap_idle_since_ns,
      .close = wrap_close,
  };
  wrap_around(&outside->wrap, &ops, machine);
}
