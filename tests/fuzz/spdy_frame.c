/*
 * fuzz/spdy_frame.c - bytes from a peer as a sequence of SPDY frames.
 *
 * Beyond not crashing: an error has a reason, the fixed part lies within the payload, what follows it has a
 * bounded length, and an accepted control frame is the same after being encoded and decoded again.
 */
#include "engine/spdy/frame.h"
#include "engine/spdy/limits.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds) {
  if (!holds) abort();
}

static void check_verdict(struct spdy_verdict verdict) {
  if (verdict.scope > SPDY_IGNORE)
    check(verdict.reason && verdict.reason[0]);
  else
    check(!verdict.reason);
}

/* Encodes the header and the fixed part. */
static uint8_t *encode(uint8_t *out, const struct spdy_frame *frame) {
  const struct spdy_frame_header *header = &frame->header;
  uint32_t rest = header->length - spdy_frame_fixed_bytes(header);
  switch (header->type) {
  case SPDY_DATA: return spdy_frame_data_encode(out, frame->stream_id, header->flags, rest);
  case SPDY_SYN_STREAM:
    return spdy_frame_syn_stream_encode(out, header->flags, frame->stream_id,
                                        frame->syn_stream.associated_id, frame->syn_stream.priority,
                                        rest);
  case SPDY_SYN_REPLY:
    return spdy_frame_syn_reply_encode(out, header->flags, frame->stream_id, rest);
  case SPDY_HEADERS: return spdy_frame_headers_encode(out, header->flags, frame->stream_id, rest);
  case SPDY_RST_STREAM: return spdy_frame_rst_stream_encode(out, frame->stream_id, frame->status);
  case SPDY_GOAWAY:
    return spdy_frame_goaway_encode(out, frame->goaway.last_good_id, frame->goaway.status);
  case SPDY_WINDOW_UPDATE:
    return spdy_frame_window_update_encode(out, frame->stream_id, frame->delta);
  default: return spdy_frame_ping_encode(out, frame->ping_id);
  }
}

static void check_round_trip(const struct spdy_frame *frame) {
  uint8_t bytes[SPDY_FRAME_HEADER_BYTES + SPDY_FRAME_FIXED_BYTES_MAX];
  const uint32_t fixed = spdy_frame_fixed_bytes(&frame->header);
  check(encode(bytes, frame) == bytes + SPDY_FRAME_HEADER_BYTES + fixed);
  const struct spdy_frame_header header = spdy_frame_header_decode(bytes);
  struct spdy_frame again;
  check(spdy_frame_check(&header).scope == SPDY_ACCEPT);
  check(spdy_frame_decode(&header, bytes + SPDY_FRAME_HEADER_BYTES, &again).scope == SPDY_ACCEPT);
  check(header.type == frame->header.type && header.length == frame->header.length);
  check(again.stream_id == frame->stream_id);
  uint8_t second[sizeof bytes];
  encode(second, &again);
  check(memcmp(bytes, second, SPDY_FRAME_HEADER_BYTES + fixed) == 0);
}

static void check_settings(const struct spdy_frame *frame, const uint8_t *entries, size_t len) {
  check(frame->settings_entries <= SPDY_SETTINGS_ENTRIES_MAX);
  check(frame->header.length == 4 + SPDY_SETTING_BYTES * frame->settings_entries);
  struct spdy_setting settings[SPDY_SETTINGS_ENTRIES_MAX];
  uint8_t bytes[SPDY_SETTINGS_BYTES(SPDY_SETTINGS_ENTRIES_MAX)];
  if (len < (size_t)SPDY_SETTING_BYTES * frame->settings_entries) return;
  for (uint32_t i = 0; i < frame->settings_entries; i++)
    settings[i] = spdy_setting_decode(entries + (size_t)SPDY_SETTING_BYTES * i);
  const uint8_t *end =
      spdy_frame_settings_encode(bytes, frame->header.flags, settings, frame->settings_entries);
  check((size_t)(end - bytes) == SPDY_FRAME_HEADER_BYTES + frame->header.length);
  check(memcmp(bytes + 12, entries, (size_t)(end - bytes) - 12) == 0);
}

/* One frame, of which there are `len` bytes of payload. */
static void decode(const struct spdy_frame_header *header, const uint8_t *payload, size_t len) {
  const struct spdy_verdict allowed = spdy_frame_check(header);
  const uint32_t fixed = spdy_frame_fixed_bytes(header);
  check_verdict(allowed);
  check(fixed <= SPDY_FRAME_FIXED_BYTES_MAX && spdy_frame_name(header->type));
  if (allowed.scope == SPDY_IGNORE || allowed.scope == SPDY_SESSION_ERROR) return;
  check(header->length >= fixed);
  if (spdy_frame_has_block(header) && allowed.scope == SPDY_ACCEPT)
    check(header->length - fixed <= SPDY_BLOCK_BYTES_MAX);
  if (len < fixed) return;
  uint8_t *copy = malloc(fixed ? fixed : 1); /* of its exact size */
  memcpy(copy, payload, fixed);
  struct spdy_frame frame;
  const struct spdy_verdict verdict = spdy_frame_decode(header, copy, &frame);
  free(copy);
  check_verdict(verdict);
  if (verdict.scope != SPDY_ACCEPT || allowed.scope != SPDY_ACCEPT) return;
  if (header->type == SPDY_SETTINGS)
    check_settings(&frame, payload + fixed, len - fixed);
  else
    check_round_trip(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  while (len >= SPDY_FRAME_HEADER_BYTES) {
    const struct spdy_frame_header header = spdy_frame_header_decode(bytes);
    bytes += SPDY_FRAME_HEADER_BYTES;
    len -= SPDY_FRAME_HEADER_BYTES;
    const size_t there = header.length < len ? header.length : len;
    decode(&header, bytes, there);
    bytes += there;
    len -= there;
  }
  return 0;
}
