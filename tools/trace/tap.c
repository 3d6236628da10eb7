/*
 * trace/tap.c - see trace/tap.h.
 */
#include "tools/trace/tap.h"

#include <string.h>

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* ---- frames ---------------------------------------------------------------------------------- */

void trace_cutter_init(struct trace_cutter *cutter, struct trace_record *record, uint8_t connection,
                       bool sent) {
  *cutter = (struct trace_cutter){
      .record = record,
      .sent = sent,
      .connection = connection,
      .preface = sent ? H2_PREFACE_BYTES : 0,
  };
}

static void end_frame(struct trace_cutter *cutter, uint64_t at_ns) {
  cutter->frame.end_ns = at_ns;
  cutter->frame.payload_bytes = (uint16_t)cutter->kept;
  cutter->have = 0;
  trace_record_frame(cutter->record, cutter->frame, cutter->payload, cutter->kept);
  if (cutter->on_frame) cutter->on_frame(cutter->ctx, &cutter->frame, cutter->payload);
}

static void begin_frame(struct trace_cutter *cutter) {
  struct h2_frame_header header = h2_frame_header_decode(cutter->header);
  cutter->frame.stream_id = header.stream_id;
  cutter->frame.length = header.length;
  cutter->frame.type = header.type;
  cutter->frame.flags = header.flags;
  cutter->frame.connection = cutter->connection;
  cutter->frame.sent = cutter->sent;
  cutter->left = header.length;
  cutter->kept = 0;
}

static size_t pass_header(struct trace_cutter *cutter, struct span bytes, uint64_t begin_ns,
                          uint64_t at_ns) {
  if (cutter->have == 0) cutter->frame = (struct trace_frame){.begin_ns = begin_ns};
  size_t took = least(bytes.len, H2_FRAME_HEADER_BYTES - cutter->have);
  memcpy(cutter->header + cutter->have, bytes.base, took);
  cutter->have += (uint8_t)took;
  if (cutter->have < H2_FRAME_HEADER_BYTES) return took;
  begin_frame(cutter);
  if (cutter->left == 0) end_frame(cutter, at_ns);
  return took;
}

static size_t pass_payload(struct trace_cutter *cutter, struct span bytes, uint64_t at_ns) {
  size_t took = least(bytes.len, cutter->left);
  if (cutter->frame.type != H2_DATA) {
    size_t keep = least(took, sizeof cutter->payload - cutter->kept);
    memcpy(cutter->payload + cutter->kept, bytes.base, keep);
    cutter->kept += (uint32_t)keep;
  }
  cutter->left -= (uint32_t)took;
  if (cutter->left == 0) end_frame(cutter, at_ns);
  return took;
}

static uint64_t on_clock(const struct trace_record *record, uint64_t ns) {
  return ns > record->origin_ns ? ns - record->origin_ns : 0;
}

void trace_cutter_pass(struct trace_cutter *cutter, struct span bytes, uint64_t since_ns,
                       uint64_t now_ns) {
  uint64_t since = on_clock(cutter->record, since_ns), at_ns = on_clock(cutter->record, now_ns);
  const uint64_t span_ns = at_ns > since ? at_ns - since : 0;
  const size_t len = bytes.len;
  while (bytes.len > 0) {
    size_t took;
    if (cutter->preface > 0) {
      took = least(bytes.len, cutter->preface);
      cutter->preface -= (uint32_t)took;
    } else if (cutter->have < H2_FRAME_HEADER_BYTES) {
      /* They arrived evenly, as far as anybody can tell. */
      double part = (double)(len - bytes.len) / (double)len;
      took =
          pass_header(cutter, bytes, at_ns - span_ns + (uint64_t)(part * (double)span_ns), at_ns);
    } else {
      took = pass_payload(cutter, bytes, at_ns);
    }
    bytes = span_of(bytes.base + took, bytes.len - took);
  }
}

/* ---- the tap as a machine -------------------------------------------------------------------- */

/* Noted is what the inner machine took: it is offered the rest again. */
static size_t tap_recv(void *self, struct span in, uint64_t now_ns) {
  struct trace_tap *tap = self;
  size_t took = wrap_recv(self, in, now_ns);
  trace_cutter_pass(&tap->in, span_of(in.base, took), tap->since_ns ? *tap->since_ns : now_ns,
                    now_ns);
  return took;
}

static size_t tap_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                            uint64_t now_ns) {
  struct trace_tap *tap = self;
  max = least(max, sizeof tap->peeked / sizeof tap->peeked[0]);
  tap->peeked_count = wrap_send_peek(self, out, max, budget_bytes, now_ns);
  memcpy(tap->peeked, out, tap->peeked_count * sizeof *out);
  return tap->peeked_count;
}

/* Before the ack goes on, since it frees the spans. What is left of them will be peeked anew. */
static void note_sent(struct trace_tap *tap, size_t bytes, uint64_t now_ns) {
  for (size_t i = 0; i < tap->peeked_count && bytes > 0; i++) {
    struct span *span = &tap->peeked[i];
    size_t took = least(span->len, bytes);
    trace_cutter_pass(&tap->out, span_of(span->base, took), now_ns, now_ns);
    *span = span_of(span->base + took, span->len - took);
    bytes -= took;
  }
}

static void tap_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  note_sent(self, bytes, now_ns);
  wrap_send_ack(self, bytes, now_ns);
}

void trace_tap_around(struct trace_tap *tap, struct machine *machine) {
  static const struct machine_ops ops = {
      .recv = tap_recv,
      .recv_eof = wrap_recv_eof,
      .send_peek = tap_send_peek,
      .send_ack = tap_send_ack,
      .tick = wrap_tick,
      .deadline_ns = wrap_deadline_ns,
      .wants = wrap_wants,
      .drain = wrap_drain,
      .idle_since_ns = wrap_idle_since_ns,
      .close = wrap_close,
  };
  wrap_around(&tap->wrap, &ops, machine);
}

/* ---- the link's rate ------------------------------------------------------------------------- */

/* Two segments, or what the rate gives in five milliseconds: timers are late by one, turns of a
 * worker take some. While bytes were kept waiting the link was never idle, however late we are on a
 * busy machine: then up to a fifth of a second is made up for. */
static double depth(const struct trace_bucket *bucket) {
  double bytes = (double)bucket->rate * (bucket->dry ? 0.2 : 0.005);
  return bytes > 2 * TRACE_SEGMENT_BYTES ? bytes : 2 * TRACE_SEGMENT_BYTES;
}

void trace_bucket_init(struct trace_bucket *bucket, uint64_t rate, uint64_t now_ns) {
  *bucket = (struct trace_bucket){.rate = rate, .filled_ns = now_ns};
  bucket->tokens = depth(bucket);
}

uint64_t trace_bucket_room(struct trace_bucket *bucket, uint64_t now_ns) {
  if (bucket->rate == 0) return UINT64_MAX;
  if (now_ns > bucket->filled_ns) {
    bucket->tokens += (double)(now_ns - bucket->filled_ns) * (double)bucket->rate / 1e9;
    bucket->filled_ns = now_ns;
  }
  if (bucket->tokens > depth(bucket)) bucket->tokens = depth(bucket);
  return bucket->tokens >= 1 ? (uint64_t)bucket->tokens : 0;
}

void trace_bucket_take(struct trace_bucket *bucket, uint64_t bytes) {
  if (bucket->rate == 0) return;
  bucket->tokens -= (double)bytes;
  bucket->dry = bucket->tokens < 1;
}

uint64_t trace_bucket_next_ns(const struct trace_bucket *bucket) {
  double lacking = TRACE_SEGMENT_BYTES - bucket->tokens;
  if (bucket->rate == 0 || lacking <= 0) return bucket->filled_ns;
  return bucket->filled_ns + (uint64_t)(lacking * 1e9 / (double)bucket->rate);
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

/* ---- outside of everything ------------------------------------------------------------------- */

/* Bytes that the inner machine did not take are offered again, and must not be counted twice: the
 * records are gone back to where it stopped. */
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
