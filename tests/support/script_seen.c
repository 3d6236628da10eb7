/*
 * support/script_seen.c - reads the frames of the machine under test into the transcript.
 */
#include "tests/support/script_seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/script_log.h"

enum { SPANS = 16 };

static void read_block(struct script *script, struct span block, char *status, char *path) {
  const char *reason = NULL;
  headers_clear(&script->fields);
  assert_int_equal(hpack_decode(&script->decoder, block, &script->fields, &reason), HPACK_OK);
  const struct header *found = headers_find(&script->fields, TOKEN_STATUS);
  snprintf(status, 16, "%s", found ? script_log_text(found->value) : "-");
  found = headers_find(&script->fields, TOKEN_PATH);
  snprintf(path, 64, "%s", found ? script_log_text(found->value) : "-");
}

/* A response's or request's header section, in one frame or several. */
static void section_seen(struct script *script, struct span fragment, uint8_t flags) {
  char status[16], path[64];
  script->block = realloc(script->block, script->block_len + fragment.len + 1);
  if (fragment.len) memcpy(script->block + script->block_len, fragment.base, fragment.len);
  script->block_len += fragment.len;
  if (!(flags & H2_FLAG_END_HEADERS)) return;
  read_block(script, span_of(script->block, script->block_len), status, path);
  script_log(script, "HEADERS %u %s%s", script->block_id, script->role == H2_SERVER ? status : path,
             script->block_flags & H2_FLAG_END_STREAM ? " end" : "");
  free(script->block);
  script->block = NULL;
  script->block_len = script->block_id = 0;
}

static void settings_seen(struct script *script, bool ack) {
  if (ack) {
    script->settings_acks++;
    if (script->table_bytes_pending >= 0)
      hpack_decoder_set_limit(&script->decoder, (uint32_t)script->table_bytes_pending);
    script->table_bytes_pending = -1;
    return;
  }
  if (script->settings_seen) script_log(script, "SETTINGS");
  script->settings_seen = true;
}

static void frame_seen(struct script *script, const struct h2_frame *frame) {
  uint32_t id = frame->header.stream_id;
  bool continues = frame->header.type == H2_CONTINUATION && script->block_id == id;
  assert_int_equal(script->block_id != 0, continues); /* nothing comes between (section 4.3) */
  const char *end = frame->header.flags & H2_FLAG_END_STREAM ? " end" : "";
  char status[16], path[64];
  switch (frame->header.type) {
  case H2_DATA: script_log_data(script, "DATA", id, frame->data.len, *end); break;
  case H2_HEADERS:
    script->block_id = id;
    script->block_flags = frame->header.flags;
    section_seen(script, frame->headers.fragment, frame->header.flags);
    break;
  case H2_CONTINUATION: section_seen(script, frame->continuation, frame->header.flags); break;
  case H2_RST_STREAM:
    script->rst_id = id;
    script->rst_code = frame->error_code;
    script_log(script, "RST_STREAM %u %s", id, h2_error_name(frame->error_code));
    break;
  case H2_SETTINGS: settings_seen(script, frame->header.flags & H2_FLAG_ACK); break;
  case H2_PUSH_PROMISE:
    read_block(script, frame->push_promise.fragment, status, path);
    script_log(script, "PUSH_PROMISE %u %u %s", id, frame->push_promise.promised_id, path);
    break;
  case H2_PING:
    script_log(script, "PING%s%s", frame->header.flags & H2_FLAG_ACK ? " ack" : "",
               memcmp(frame->ping, "12345678", 8) == 0 ? " 12345678" : "");
    break;
  case H2_GOAWAY:
    script->goaway = frame->goaway.error_code != H2_NO_ERROR || script->goaway;
    script_log(script, "GOAWAY %u %s", frame->goaway.last_stream_id,
               h2_error_name(frame->goaway.error_code));
    break;
  case H2_WINDOW_UPDATE:
    if (id == 0) script->connection_credit += frame->increment;
    break;
  default: script_log(script, "%s %u", h2_frame_name(frame->header.type), id); break;
  }
}

/* Reads the whole frames in `received` into the transcript, and removes them. */
static void read_frames(struct script *script) {
  size_t at = 0;
  if (script->role == H2_CLIENT && !script->settings_seen) {
    if (script->received_len < H2_PREFACE_BYTES) return;
    assert_memory_equal(script->received, H2_PREFACE, H2_PREFACE_BYTES);
    at = H2_PREFACE_BYTES;
  }
  enum h2_role reader = script->role == H2_SERVER ? H2_CLIENT : H2_SERVER;
  while (script->received_len - at >= H2_FRAME_HEADER_BYTES) {
    struct h2_frame_header header = h2_frame_header_decode(script->received + at);
    if (script->received_len - at < H2_FRAME_HEADER_BYTES + header.length) break;
    struct h2_frame frame;
    assert_int_equal(h2_frame_check(&header, reader, script->frame_bytes_max).scope, H2_ACCEPT);
    struct span payload = span_of(script->received + at + H2_FRAME_HEADER_BYTES, header.length);
    assert_int_equal(h2_frame_decode(&header, payload, &frame).scope, H2_ACCEPT);
    frame_seen(script, &frame);
    at += H2_FRAME_HEADER_BYTES + header.length;
  }
  memmove(script->received, script->received + at, script->received_len - at);
  script->received_len -= at;
}

/* Keeps bytes for read_frames(). */
static void keep(struct script *script, struct span bytes) {
  size_t need = script->received_len + bytes.len;
  if (need > script->received_size) {
    script->received_size = need * 2;
    script->received = realloc(script->received, script->received_size);
  }
  memcpy(script->received + script->received_len, bytes.base, bytes.len);
  script->received_len = need;
}

void script_receive(struct script *script, struct span bytes) {
  if (bytes.len > 0) keep(script, bytes);
  read_frames(script);
}

void script_pump(struct script *script) {
  if (script->sink) return; /* the test brings the answers */
  const struct machine_ops *ops = script->machine.ops;
  void *self = script->machine.self;
  while (!script->mute && ops->wants(self) & MACHINE_SEND) {
    struct span spans[SPANS];
    size_t count = ops->send_peek(self, spans, SPANS, 64 * KIB, script->now_ns), bytes = 0;
    for (size_t i = 0; i < count; i++) {
      keep(script, spans[i]);
      bytes += spans[i].len;
    }
    if (bytes == 0) break;
    ops->send_ack(self, bytes, script->now_ns);
    read_frames(script);
  }
}
