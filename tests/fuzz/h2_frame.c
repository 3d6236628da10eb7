/*
 * fuzz/h2_frame.c - bytes from a peer as a sequence of frames, for both roles.
 *
 * Beyond not crashing: what a decoded frame lends lies within the payload, an error has a code and
 * a reason, and an accepted frame is the same after being encoded and decoded again.
 */
#include "engine/h2/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_verdict(struct h2_verdict verdict) {
  if (verdict.scope == H2_ACCEPT || verdict.scope == H2_IGNORE) return;
  assert(verdict.code != H2_NO_ERROR);
  assert(verdict.reason && verdict.reason[0]);
}

static void check_inside(struct span inner, struct span payload) {
  if (inner.len == 0) return;
  assert(inner.base >= payload.base);
  assert(inner.base + inner.len <= payload.base + payload.len);
}

static void check_spans(const struct h2_frame *frame, struct span payload) {
  switch (frame->header.type) {
  case H2_DATA: check_inside(frame->data, payload); break;
  case H2_HEADERS: check_inside(frame->headers.fragment, payload); break;
  case H2_SETTINGS: check_inside(frame->settings, payload); break;
  case H2_PUSH_PROMISE: check_inside(frame->push_promise.fragment, payload); break;
  case H2_PING: check_inside(span_of(frame->ping, 8), payload); break;
  case H2_GOAWAY: check_inside(frame->goaway.debug, payload); break;
  case H2_CONTINUATION: check_inside(frame->continuation, payload); break;
  case H2_PRIORITY_UPDATE: check_inside(frame->priority_update.field, payload); break;
  default: break;
  }
}

/* Encodes the decoded frame, decodes that and encodes it again: the bytes are the same. */
static void check_round_trip(const struct h2_frame *frame, enum h2_role role) {
  const size_t bytes = H2_FRAME_HEADER_BYTES + frame->header.length;
  uint8_t *first = malloc(bytes), *second = malloc(bytes);
  assert(first && second);
  assert(h2_frame_encode(first, frame) == first + bytes);
  struct h2_frame again;
  const struct h2_frame_header header = h2_frame_header_decode(first);
  assert(h2_frame_check(&header, role, H2_FRAME_BYTES_MIN).scope == H2_ACCEPT);
  const struct span payload = span_of(first + H2_FRAME_HEADER_BYTES, header.length);
  assert(h2_frame_decode(&header, payload, &again).scope == H2_ACCEPT);
  assert(h2_frame_encode(second, &again) == second + bytes);
  assert(memcmp(first, second, bytes) == 0);
  free(first);
  free(second);
}

static void decode_all(const uint8_t *bytes, size_t len, enum h2_role role) {
  while (len >= H2_FRAME_HEADER_BYTES) {
    const struct h2_frame_header header = h2_frame_header_decode(bytes);
    bytes += H2_FRAME_HEADER_BYTES;
    len -= H2_FRAME_HEADER_BYTES;
    const struct h2_verdict allowed = h2_frame_check(&header, role, H2_FRAME_BYTES_MIN);
    check_verdict(allowed);
    assert(h2_frame_name(header.type));
    if (header.length > len) return;
    const struct span payload = span_of(bytes, header.length);
    if (allowed.scope == H2_ACCEPT && h2_frame_known(header.type)) {
      struct h2_frame frame = {0};
      const struct h2_verdict decoded = h2_frame_decode(&header, payload, &frame);
      check_verdict(decoded);
      if (decoded.scope != H2_CONNECTION_ERROR) check_spans(&frame, payload);
      if (decoded.scope == H2_ACCEPT) check_round_trip(&frame, role);
    }
    bytes += header.length;
    len -= header.length;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  decode_all(bytes, len, H2_SERVER);
  decode_all(bytes, len, H2_CLIENT);
  return 0;
}
