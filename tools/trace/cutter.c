/*
 * trace/cutter.c - see trace/cutter.h.
 */
#include "tools/trace/cutter.h"

#include <string.h>

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

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
      /* Assumes that the bytes arrived at an even rate. */
      double part = (double)(len - bytes.len) / (double)len;
      took =
          pass_header(cutter, bytes, at_ns - span_ns + (uint64_t)(part * (double)span_ns), at_ns);
    } else {
      took = pass_payload(cutter, bytes, at_ns);
    }
    bytes = span_of(bytes.base + took, bytes.len - took);
  }
}
