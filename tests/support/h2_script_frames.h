/*
 * support/h2_script_frames.h - part of tests/support/h2_script.h: what the machine sent, read into the transcript, and
 * frames made out of the script's text.
 */
#ifndef WEIR_TESTS_H2_SCRIPT_FRAMES_H
#define WEIR_TESTS_H2_SCRIPT_FRAMES_H

#include "tests/support/h2_script_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the machine sent ------------------------------------------------------------------- */

static inline void script_block(struct script *script, struct span block, char *status,
                                char *path) {
  const char *reason = NULL;
  headers_clear(&script->fields);
  assert_int_equal(hpack_decode(&script->decoder, block, &script->fields, &reason), HPACK_OK);
  const struct header *found = headers_find(&script->fields, TOKEN_STATUS);
  snprintf(status, 16, "%s", found ? script_text(found->value) : "-");
  found = headers_find(&script->fields, TOKEN_PATH);
  snprintf(path, 64, "%s", found ? script_text(found->value) : "-");
}

/* A response's or request's header section, in one frame or several. */
static inline void script_section_seen(struct script *script, struct span fragment, uint8_t flags) {
  char status[16], path[64];
  script->block = realloc(script->block, script->block_len + fragment.len + 1);
  if (fragment.len) memcpy(script->block + script->block_len, fragment.base, fragment.len);
  script->block_len += fragment.len;
  if (!(flags & H2_FLAG_END_HEADERS)) return;
  script_block(script, span_of(script->block, script->block_len), status, path);
  script_log(script, "HEADERS %u %s%s", script->block_id, script->role == H2_SERVER ? status : path,
             script->block_flags & H2_FLAG_END_STREAM ? " end" : "");
  free(script->block);
  script->block = NULL;
  script->block_len = script->block_id = 0;
}

static inline void script_frame_seen(struct script *script, const struct h2_frame *frame) {
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
    script_section_seen(script, frame->headers.fragment, frame->header.flags);
    break;
  case H2_CONTINUATION:
    script->continuations++;
    script_section_seen(script, frame->continuation, frame->header.flags);
    break;
  case H2_RST_STREAM:
    script->rst_id = id;
    script->rst_code = frame->error_code;
    script_log(script, "RST_STREAM %u %s", id, h2_error_name(frame->error_code));
    break;
  case H2_SETTINGS:
    if (frame->header.flags & H2_FLAG_ACK) {
      script->settings_acks++;
      if (script->table_bytes_pending >= 0)
        hpack_decoder_set_limit(&script->decoder, (uint32_t)script->table_bytes_pending);
      script->table_bytes_pending = -1;
    } else {
      if (script->settings_seen) script_log(script, "SETTINGS");
      script->settings_seen = true;
    }
    break;
  case H2_PUSH_PROMISE:
    script_block(script, frame->push_promise.fragment, status, path);
    script_log(script, "PUSH_PROMISE %u %u %s", id, frame->push_promise.promised_id, path);
    break;
  case H2_PING:
    script_log(script, "PING%s%s", frame->header.flags & H2_FLAG_ACK ? " ack" : "",
               memcmp(frame->ping, "12345678", 8) == 0 ? " 12345678" : "");
    break;
  case H2_GOAWAY:
    script->goaway = frame->goaway.error_code != H2_NO_ERROR || script->goaway;
    script->goaway_last_id = frame->goaway.last_stream_id;
    script_log(script, "GOAWAY %u %s", frame->goaway.last_stream_id,
               h2_error_name(frame->goaway.error_code));
    break;
  case H2_WINDOW_UPDATE:
    if (id == 0) script->connection_credit += frame->increment;
    break;
  default: script_log(script, "%s %u", h2_frame_name(frame->header.type), id); break;
  }
}

static inline void script_parse(struct script *script) {
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
    script_frame_seen(script, &frame);
    at += H2_FRAME_HEADER_BYTES + header.length;
  }
  memmove(script->received, script->received + at, script->received_len - at);
  script->received_len -= at;
}

static inline void script_pump(struct script *script) {
  if (script->sink) return; /* whoever takes the bytes brings the answers */
  const struct machine_ops *ops = script->machine.ops;
  void *self = script->machine.self;
  while (!script->mute && ops->wants(self) & MACHINE_SEND) {
    struct span spans[16];
    size_t count = ops->send_peek(self, spans, 16, 64 * KIB, script->now_ns), bytes = 0;
    for (size_t i = 0; i < count; i++) {
      size_t need = script->received_len + spans[i].len;
      if (need > script->received_size) {
        script->received_size = need * 2;
        script->received = realloc(script->received, script->received_size);
      }
      memcpy(script->received + script->received_len, spans[i].base, spans[i].len);
      script->received_len = need;
      bytes += spans[i].len;
    }
    if (bytes == 0) break;
    ops->send_ack(self, bytes, script->now_ns);
    script_parse(script);
  }
}

static inline void script_give(struct script *script, struct span bytes) {
  if (script->sink) {
    script->sink(script, bytes);
    return;
  }
  const struct machine_ops *ops = script->machine.ops;
  while (bytes.len > 0) {
    size_t piece =
        script->piece_bytes && script->piece_bytes < bytes.len ? script->piece_bytes : bytes.len;
    /* An exact copy, so that the sanitizer sees a byte read too far. */
    uint8_t *copy = malloc(piece);
    memcpy(copy, bytes.base, piece);
    size_t took = ops->recv(script->machine.self, span_of(copy, piece), script->now_ns);
    free(copy);
    assert_true(took <= piece);
    if (took < piece) script_pump(script);
    if (took == 0 && !(ops->wants(script->machine.self) & MACHINE_RECV)) break;
    bytes = span_of(bytes.base + took, bytes.len - took);
  }
}

/* ---- frames out of text ---------------------------------------------------------------------- */

struct script_buffer {
  uint8_t bytes[1 << 17];
  size_t len;
};

static inline void script_put(struct script_buffer *to, const void *bytes, size_t len) {
  assert_true(to->len + len <= sizeof to->bytes);
  if (len) memcpy(to->bytes + to->len, bytes, len);
  to->len += len;
}

static inline void script_put8(struct script_buffer *to, unsigned byte) {
  uint8_t octet = (uint8_t)byte;
  script_put(to, &octet, 1);
}

static inline void script_put32(struct script_buffer *to, uint32_t value) {
  uint8_t octets[4];
  wire_put32(octets, value);
  script_put(to, octets, 4);
}

static inline void script_put_hex(struct script_buffer *to, const char *hex, const char *end) {
  for (; hex + 1 < end; hex += 2) {
    char pair[3] = {hex[0], hex[1], 0};
    script_put8(to, (unsigned)strtoul(pair, NULL, 16));
  }
}

/* RFC 7541 section 5.1 */
static inline void script_put_integer(struct script_buffer *to, unsigned first, unsigned prefix,
                                      uint32_t value) {
  uint32_t most = (1u << prefix) - 1;
  if (value < most) {
    script_put8(to, first | value);
    return;
  }
  script_put8(to, first | most);
  for (value -= most; value >= 128; value >>= 7)
    script_put8(to, (value & 127) | 128);
  script_put8(to, value);
}

static inline size_t script_unescape(const char *text, const char *end, char *out, size_t size) {
  size_t len = 0;
  for (; text < end; text++) {
    assert_true(len < size);
    char pair[3] = {0};
    if (*text == '%') {
      memcpy(pair, text + 1, 2);
      text += 2;
    }
    out[len++] = pair[0] ? (char)strtoul(pair, NULL, 16) : *text;
  }
  return len;
}

static inline void script_put_string(struct script_buffer *to, const char *text, size_t len) {
  script_put_integer(to, 0, 7, (uint32_t)len);
  script_put(to, text, len);
}

static inline void script_put_field(struct script *script, struct script_buffer *to,
                                    const char *text, const char *end) {
  char name[256], value[1024];
  unsigned first = *text == '+' ? 0x40 : *text == '!' ? 0x10 : 0;
  if (first) text++;
  const char *equals = memchr(text, '=', (size_t)(end - text));
  assert_non_null(equals);
  size_t name_len = script_unescape(text, equals, name, sizeof name);
  size_t value_len = script_unescape(equals + 1, end, value, sizeof value);
  script_put8(to, first);
  script_put_string(to, name, name_len);
  script_put_string(to, value, value_len);
  if (first == 0x40 && script->inserted_count < SCRIPT_INSERTED) {
    struct script_inserted *inserted = &script->inserted[script->inserted_count++];
    snprintf(inserted->name, sizeof inserted->name, "%.*s", (int)name_len, name);
    snprintf(inserted->value, sizeof inserted->value, "%.*s", (int)value_len, value);
  }
}

static inline const char *script_usual(const char *name, size_t len) {
  static const struct {
    const char *name, *fields;
  } usual[] = {
      {"@get", ":method=GET :scheme=https :authority=a :path=/"},
      {"@hold", ":method=GET :scheme=https :authority=a :path=/hold"},
      {"@post", ":method=POST :scheme=https :authority=a :path=/hold"},
      {"@connect", ":method=CONNECT :authority=a:443"},
      {"@ok", ":status=200"},
  };
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (strlen(usual[i].name) == len && memcmp(usual[i].name, name, len) == 0)
      return usual[i].fields;
  fail_msg("no such fields: %.*s", (int)len, name);
  return "";
}

static inline void script_put_block(struct script *script, struct script_buffer *to,
                                    const char *text, const char *end) {
  while (text < end) {
    const char *stop = text;
    while (stop < end && *stop != ' ')
      stop++;
    size_t len = (size_t)(stop - text);
    if (len == 0) {
    } else if (*text == '@') {
      const char *fields = script_usual(text, len);
      script_put_block(script, to, fields, fields + strlen(fields));
    } else if (*text == '#') {
      script_put_integer(to, 0x80, 7, (uint32_t)strtoul(text + 1, NULL, 10));
    } else if (*text == '^') {
      script_put_integer(to, 0x20, 5, (uint32_t)strtoul(text + 1, NULL, 10));
    } else if (*text == 'x' && !memchr(text, '=', len)) {
      script_put_hex(to, text + 1, stop);
    } else {
      script_put_field(script, to, text, stop);
    }
    text = stop < end ? stop + 1 : end;
  }
}

static inline uint8_t script_type(const char *name, size_t len) {
  static const struct {
    const char *name;
    uint8_t type;
  } types[] = {{"DATA", H2_DATA},         {"HEADERS", H2_HEADERS},   {"PRIORITY", H2_PRIORITY},
               {"RST", H2_RST_STREAM},    {"SETTINGS", H2_SETTINGS}, {"PUSH", H2_PUSH_PROMISE},
               {"PING", H2_PING},         {"GOAWAY", H2_GOAWAY},     {"WU", H2_WINDOW_UPDATE},
               {"CONT", H2_CONTINUATION}, {"PU", H2_PRIORITY_UPDATE}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strlen(types[i].name) == len && memcmp(types[i].name, name, len) == 0) return types[i].type;
  assert_int_equal(*name, 'T');
  return (uint8_t)strtoul(name + 1, NULL, 10);
}

static inline uint8_t script_flags(const char **text) {
  static const struct {
    char letter;
    uint8_t flags;
  } letters[] = {{'S', 0x1}, {'A', 0x1}, {'H', 0x4}, {'P', 0x8}, {'R', 0x20}, {'U', 0xd2}};
  uint8_t flags = 0;
  for (++*text; **text && **text != ' '; ++*text)
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
      if (letters[i].letter == **text) flags |= letters[i].flags;
  return flags;
}

/* What we then hold the machine to: frame sizes at once, since a larger limit hurts nobody and a
 * smaller one is tested with the frames behind the acknowledgement; our table from the
 * acknowledgement on. */
static inline void script_announce(struct script *script, unsigned long id, unsigned long value) {
  if (id == H2_MAX_FRAME_SIZE && value >= H2_FRAME_BYTES_MIN && value <= H2_FRAME_BYTES_MAX)
    script->frame_bytes_max = (uint32_t)value;
  if (id == H2_HEADER_TABLE_SIZE)
    script->table_bytes_pending =
        value < HPACK_TABLE_BYTES_MAX ? (int64_t)value : HPACK_TABLE_BYTES_MAX;
}

/* One atom of a payload; returns its end. */
static inline const char *script_atom(struct script *script, struct script_buffer *to,
                                      const char *text, const char *end, uint8_t *padding) {
  const char *stop = *text == '[' ? memchr(text, ']', (size_t)(end - text)) : text;
  assert_non_null(stop);
  while (stop < end && *stop != ' ')
    stop++;
  unsigned long value = strtoul(text + 1, NULL, 10);
  switch (*text) {
  case '[': script_put_block(script, to, text + 1, stop - 1); break;
  case 'x': script_put_hex(to, text + 1, stop); break;
  case '*':
    while (value--)
      script_put8(to, 0);
    break;
  case '=': script_put32(to, (uint32_t)value); break;
  case '~': script_put(to, H2_PREFACE, H2_PREFACE_BYTES); break;
  case 'p':
    *padding = (uint8_t)value;
    script_put8(to, *padding);
    break;
  case 's':
    script_put8(to, (unsigned)value >> 8);
    script_put8(to, (unsigned)value);
    script_put32(to, (uint32_t)strtoul(strchr(text, '=') + 1, NULL, 10));
    script_announce(script, value, strtoul(strchr(text, '=') + 1, NULL, 10));
    break;
  case 'd':
    script_put32(to, (uint32_t)value | (stop[-1] == '!' ? 0x80000000u : 0));
    script_put8(to, (unsigned)strtoul(strchr(text, '/') + 1, NULL, 10) - 1);
    break;
  default: fail_msg("bad payload: %s", text);
  }
  return stop;
}

static inline void script_note_sent(struct script *script, const struct h2_frame_header *header) {
  if (header->type == H2_DATA) script->connection_credit -= header->length;
  if (header->type == H2_HEADERS && header->stream_id > script->id_max)
    script->id_max = header->stream_id;
}

static inline void script_frame(struct script *script, const char *text, const char *end) {
  static struct script_buffer payload, whole;
  const char *stop = text + strcspn(text, "/ ");
  bool raw = strncmp(text, "RAW ", 4) == 0;
  struct h2_frame_header header = {.type = raw ? 0 : script_type(text, (size_t)(stop - text))};
  text = stop;
  if (*text == '/') header.flags = script_flags(&text);
  uint32_t reserved = 0;
  if (!raw) {
    char *after;
    unsigned long id = strtoul(text, &after, 10);
    reserved = (uint32_t)id & 0x80000000u;
    header.stream_id = (uint32_t)id & 0x7fffffffu;
    text = after;
  }
  long length = -1;
  uint8_t padding = 0;
  payload.len = whole.len = 0;
  while (text < end) {
    if (*text == ' ') {
      text++;
    } else if (*text == 'L') {
      length = strtol(text + 1, NULL, 10);
      text += strcspn(text, " ;");
    } else {
      text = script_atom(script, &payload, text, end, &padding);
    }
  }
  while (padding--)
    script_put8(&payload, 0);
  header.length = length >= 0 ? (uint32_t)length : (uint32_t)payload.len;
  if (!raw) {
    h2_frame_header_encode(whole.bytes, header);
    whole.bytes[5] |= (uint8_t)(reserved >> 24);
    whole.len = H2_FRAME_HEADER_BYTES;
    script_note_sent(script, &header);
  }
  script_put(&whole, payload.bytes, payload.len);
  script_give(script, span_of(whole.bytes, whole.len));
}

#endif
