/*
 * spec/diff_log.c - an engine's reaction to its input.
 */
#include "tests/spec/diff_log.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/wire.h"
#include "tests/support/cmocka.h"

void diff_log_print(struct diff_log *log, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vsnprintf(log->text + log->len, sizeof log->text - log->len, format, list);
  va_end(list);
  assert_true(n >= 0 && (size_t)n < sizeof log->text - log->len);
  log->len += (size_t)n;
}

void diff_log_data(struct diff_log *log, uint32_t id, const uint8_t *bytes, size_t len) {
  log->data_id = id;
  log->data_bytes += len;
  for (size_t i = 0; i < len; i++)
    log->data_hash = (log->data_hash ^ bytes[i]) * 16777619u;
}

void diff_log_flush(struct diff_log *log) {
  if (log->data_bytes)
    diff_log_print(log, "D %u %zu %u\n", log->data_id, log->data_bytes, log->data_hash);
  if (log->data_end) diff_log_print(log, "E %u\n", log->data_id);
  log->data_bytes = log->data_hash = 0;
  log->data_end = false;
}

static void frame_sent(struct diff_log *log, const struct h2_frame_header *header,
                       const uint8_t *payload) {
  switch (header->type) {
  case H2_RST_STREAM:
    diff_log_print(log, "R %u %u\n", header->stream_id, wire_get32(payload));
    break;
  case H2_GOAWAY:
    if (wire_get32(payload + 4) == 0) break;
    log->goaway = true;
    diff_log_print(log, "G %u\n", wire_get32(payload + 4));
    break;
  case H2_PING:
    if (header->flags & H2_FLAG_ACK)
      diff_log_print(log, "ping %08x%08x\n", wire_get32(payload), wire_get32(payload + 4));
    break;
  case H2_WINDOW_UPDATE:
    if (header->stream_id == 0) log->connection_credit += wire_get31(payload);
    if (header->stream_id && header->stream_id < DIFF_IDS)
      log->stream_credit[header->stream_id] += wire_get31(payload);
    break;
  default: break;
  }
}

void diff_log_sent(struct diff_log *log, const uint8_t *bytes, size_t len) {
  assert_true(log->sent_len + len <= sizeof log->sent);
  memcpy(log->sent + log->sent_len, bytes, len);
  log->sent_len += len;
  size_t at = log->magic_seen ? 0 : H2_PREFACE_BYTES;
  if (log->sent_len < at) return;
  log->magic_seen = true;
  while (log->sent_len - at >= H2_FRAME_HEADER_BYTES) {
    struct h2_frame_header header = h2_frame_header_decode(log->sent + at);
    if (log->sent_len - at - H2_FRAME_HEADER_BYTES < header.length) break;
    frame_sent(log, &header, log->sent + at + H2_FRAME_HEADER_BYTES);
    at += H2_FRAME_HEADER_BYTES + header.length;
  }
  memmove(log->sent, log->sent + at, log->sent_len - at);
  log->sent_len -= at;
}

void diff_log_init(struct diff_log *log, enum h2_role role) {
  log->len = log->sent_len = 0;
  log->text[0] = '\0';
  log->magic_seen = role == H2_SERVER;
  log->goaway = log->ended = false;
  log->connection_credit = 65535;
  for (unsigned i = 0; i < DIFF_IDS; i++)
    log->stream_credit[i] = 65535;
  diff_log_flush(log);
  log->len = 0;
}
