/*
 * h2_script.h - a peer made of text: what it sends to a server or client engine is written as a
 * script, what comes back as a transcript. For tests; no sockets.
 *
 * A script is steps between semicolons. A frame:
 *
 *     TYPE[/FLAGS] STREAM [LENGTH] PAYLOAD...
 *
 *   TYPE     DATA HEADERS PRIORITY RST SETTINGS PUSH PING GOAWAY WU CONT PU, or T and a number
 *   FLAGS    S END_STREAM, H END_HEADERS, A ACK, P PADDED, R PRIORITY, U all undefined ones
 *   LENGTH   L9: the header says 9, whatever the payload is
 *   PAYLOAD  any of   x0102 bytes    *5 zero bytes       =7 32 bits      s4=7 a setting
 *                     p3 Pad Length, and three bytes of padding at the end
 *                     d3/16 dependency and weight (d3/16! exclusive)
 *                     ~magic the client's magic        [...] a header block
 *
 * A block is fields between blanks: name=value (literal), +name=value (inserted into the dynamic
 * table), !name=value (never indexed), #62 (indexed), ^0 (table size update), xFF (bytes as they
 * are). %41 is an octet in hexadecimal. @get, @hold, @post, @connect, @ok stand for usual fields.
 * RAW x01 sends bytes without a frame header.
 *
 * A step that begins with ! is the application's: !respond 1 200, !end 1, !send 1 100, !reset 1 8,
 * !inform 1 103, !trailers 1, !push 1, !request /path [body], !tick 500 (ms), !drain, !eof, !mute
 * (the peer stops reading) and !listen.
 *
 * The transcript: what the application heard in lower case, what was on the wire in upper case, but
 * for the preface, acknowledgements of SETTINGS and WINDOW_UPDATE, which are counted only.
 */
#ifndef WEIR_TESTS_H2_SCRIPT_H
#define WEIR_TESTS_H2_SCRIPT_H

#include "tests/loopback.h"

#include "engine/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { SCRIPT_APPS = 64, SCRIPT_INSERTED = 64 };

/* One stream as the application sees it, and the body it sends. */
struct script_app {
  uint32_t id;
  struct stream *stream; /* NULL: closed */
  size_t pending;        /* bytes to send */
  bool end;              /* then end */
};

struct script_inserted {
  char name[32], value[64];
};

struct script {
  enum h2_role role;                        /* of the machine under test */
  struct counted_memory memory, own_memory; /* of the engine, of the script itself */
  struct engine engine;
  struct machine machine;
  uint64_t now_ns;
  size_t piece_bytes; /* most bytes a recv; 0: a whole step */
  bool mute;

  struct script_app apps[SCRIPT_APPS];
  unsigned app_count;
  size_t log_len;
  size_t data_at, data_from, data_bytes; /* the last entry, if it is of data */
  uint64_t data_id;
  const char *data_what;
  char sync_value[64]; /* of the last request or response that had an x-sync field */

  /* What the machine sent. */
  uint8_t *received;
  size_t received_len, received_size;
  struct hpack_decoder decoder;
  struct headers fields;
  bool settings_seen, goaway;
  uint32_t settings_acks, goaway_last_id;
  int64_t connection_credit; /* what we may still send in DATA, by what we were told */
  int64_t rst_code;          /* of the last RST_STREAM; -1: none */
  uint32_t rst_id;

  /* What we inserted into our dynamic table, in order. */
  struct script_inserted inserted[SCRIPT_INSERTED];
  unsigned inserted_count;
  uint32_t id_max; /* highest identifier that we opened */

  /* Last, so that script_begin() need not clear them. */
  char log[16384];
  struct header field_room[128];
  uint8_t arena[1 << 17];
};

/* ---- the transcript -------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static inline void script_log(struct script *script,
                                                                    const char *format, ...) {
  va_list list;
  size_t room = sizeof script->log - script->log_len;
  if (script->log_len && room > 2) {
    memcpy(script->log + script->log_len, ", ", 3);
    script->log_len += 2;
    room -= 2;
  }
  va_start(list, format);
  int n = vsnprintf(script->log + script->log_len, room, format, list);
  va_end(list);
  assert_true(n >= 0 && (size_t)n < room);
  script->log_len += (size_t)n;
}

static inline const char *script_text(struct span text) {
  static char rooms[4][256];
  static unsigned next;
  char *room = rooms[next++ % 4];
  snprintf(room, sizeof rooms[0], "%.*s", (int)text.len, (const char *)text.base);
  return room;
}

/* ---- the application ------------------------------------------------------------------------- */

static inline struct script_app *script_app_of(struct script *script, uint64_t id) {
  for (unsigned i = 0; i < script->app_count; i++)
    if (script->apps[i].id == id) return &script->apps[i];
  return NULL;
}

/* Streams do not know their script; one runs at a time. */
static struct script *script_now;

static inline void script_note_sync(const struct headers *fields) {
  for (uint32_t i = 0; i < fields->count; i++)
    if (span_is(fields->at[i].name, "x-sync"))
      snprintf(script_now->sync_value, sizeof script_now->sync_value, "%s",
               script_text(fields->at[i].value));
}

/* Pieces of data in a row are one entry, as long as the same step brought them: how they are cut is
 * not what a script is about. */
static inline void script_log_data(struct script *script, const char *what, uint64_t id,
                                   size_t bytes, bool end) {
  if (script->data_at != script->log_len || script->data_id != id || script->data_what != what) {
    script->data_from = script->log_len;
    script->data_bytes = 0;
  }
  script->log_len = script->data_from;
  script->data_bytes += bytes;
  script->data_id = id;
  script->data_what = what;
  script_log(script, "%s %u %zu%s", what, (unsigned)id, script->data_bytes, end ? " end" : "");
  script->data_at = script->log_len;
}

static inline void script_on_data(struct stream *stream, struct span bytes, bool end) {
  script_log_data(script_now, "data", stream->id, bytes.len, end);
}

static inline void script_on_trailers(struct stream *stream, const struct headers *fields) {
  script_log(script_now, "trailers %u %u", (unsigned)stream->id, fields->count);
}

static inline void script_on_closed(struct stream *stream, uint32_t error_code) {
  script_log(script_now, "closed %u %s", (unsigned)stream->id, h2_error_name(error_code));
  struct script_app *app = script_app_of(script_now, stream->id);
  if (app) app->stream = NULL;
}

static inline void script_on_response(struct stream *stream, unsigned status,
                                      const struct headers *fields, bool end) {
  script_log(script_now, "response %u %u%s", (unsigned)stream->id, status, end ? " end" : "");
  script_note_sync(fields);
}

static inline void script_on_promise(struct stream *stream, struct stream *promised,
                                     const struct request *request);

static const struct stream_events script_events = {.data = script_on_data,
                                                   .trailers = script_on_trailers,
                                                   .response = script_on_response,
                                                   .promise = script_on_promise,
                                                   .closed = script_on_closed};

static inline struct script_app *script_adopt(struct stream *stream) {
  assert_true(script_now->app_count < SCRIPT_APPS);
  struct script_app *app = &script_now->apps[script_now->app_count++];
  *app = (struct script_app){.id = (uint32_t)stream->id, .stream = stream};
  stream->events = &script_events;
  return app;
}

static inline void script_on_promise(struct stream *stream, struct stream *promised,
                                     const struct request *request) {
  script_log(script_now, "promise %u %u %s", (unsigned)stream->id, (unsigned)promised->id,
             script_text(request->path));
  if (!span_is(request->path, "/unwanted")) (void)script_adopt(promised);
}

static inline enum body_result script_pull(void *self, struct body_chunk *chunk) {
  struct script_app *app = self;
  size_t take = app->pending < chunk->max ? app->pending : chunk->max;
  if (take) memset(chunk->room, 'b', take);
  chunk->bytes = span_of(chunk->room, take);
  app->pending -= take;
  if (app->pending) return BODY_MORE;
  return app->end ? BODY_END : BODY_WAIT;
}

static const struct body_ops script_body = {.pull = script_pull};

static inline bool script_respond(struct script_app *app, unsigned status) {
  return stream_respond(app->stream, status, NULL, 0, (struct body){&script_body, app});
}

/* Paths: /hold and CONNECT wait for !respond; /none has no body; everything else gets "ok". */
static inline void script_request(void *ctx, struct stream *stream, const struct request *request,
                                  uint64_t now_ns) {
  struct script *script = ctx;
  (void)now_ns;
  struct script_app *app = script_adopt(stream);
  script_log(script, "request %u %s %s%s", (unsigned)stream->id, script_text(request->method),
             script_text(request->path.len ? request->path : request->authority),
             request->end ? " end" : "");
  if (request->protocol.len) script_log(script, "protocol %s", script_text(request->protocol));
  script_note_sync(request->fields);
  if (span_is(request->path, "/hold") || span_is(request->method, "CONNECT")) return;
  if (span_is(request->path, "/none")) {
    if (!stream_respond(stream, 200, NULL, 0, BODY_NONE)) script_log(script, "respond refused");
    return;
  }
  app->pending = 2;
  app->end = true;
  if (!script_respond(app, 200)) script_log(script, "respond refused");
}

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

static inline void script_frame_seen(struct script *script, const struct h2_frame *frame) {
  uint32_t id = frame->header.stream_id;
  const char *end = frame->header.flags & H2_FLAG_END_STREAM ? " end" : "";
  char status[16], path[64];
  switch (frame->header.type) {
  case H2_DATA: script_log_data(script, "DATA", id, frame->data.len, *end); break;
  case H2_HEADERS:
    assert_true(frame->header.flags & H2_FLAG_END_HEADERS);
    script_block(script, frame->headers.fragment, status, path);
    script_log(script, "HEADERS %u %s%s", id, script->role == H2_SERVER ? status : path, end);
    break;
  case H2_RST_STREAM:
    script->rst_id = id;
    script->rst_code = frame->error_code;
    script_log(script, "RST_STREAM %u %s", id, h2_error_name(frame->error_code));
    break;
  case H2_SETTINGS:
    if (frame->header.flags & H2_FLAG_ACK) {
      script->settings_acks++;
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
    script_log(script, "PING%s", frame->header.flags & H2_FLAG_ACK ? " ack" : "");
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
    assert_int_equal(h2_frame_check(&header, reader, H2_FRAME_BYTES_MIN).scope, H2_ACCEPT);
    struct span payload = span_of(script->received + at + H2_FRAME_HEADER_BYTES, header.length);
    assert_int_equal(h2_frame_decode(&header, payload, &frame).scope, H2_ACCEPT);
    script_frame_seen(script, &frame);
    at += H2_FRAME_HEADER_BYTES + header.length;
  }
  memmove(script->received, script->received + at, script->received_len - at);
  script->received_len -= at;
}

static inline void script_pump(struct script *script) {
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

/* ---- the application's steps ----------------------------------------------------------------- */

static inline void script_push(struct script_app *app, const char *path) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  if (!stream_push(app->stream, fields, 4)) script_log(script_now, "push refused");
}

static inline void script_open(struct script *script, const char *path, bool body) {
  bool connect = path[0] != '/';
  bool extended = strcmp(path, "websocket") == 0;
  struct header fields[5] = {
      header_of(TOKEN_METHOD, span_text(connect ? "CONNECT"
                                        : body  ? "POST"
                                                : "GET")),
      header_of(TOKEN_AUTHORITY, span_text(connect ? "a:443" : "a")),
      header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_PATH, span_text(connect ? "/chat" : path)),
      header_of(TOKEN_PROTOCOL, span_text("websocket")),
  };
  if (strcmp(path, "/head") == 0) fields[0].value = span_text("HEAD");
  assert_true(script->app_count < SCRIPT_APPS);
  struct script_app *app = &script->apps[script->app_count++];
  struct stream *stream =
      h2_request(h2_of(&script->machine), fields,
                 extended  ? 5
                 : connect ? 2
                           : 4,
                 body ? (struct body){&script_body, app} : BODY_NONE, &script_events, NULL);
  if (stream)
    *app = (struct script_app){.id = (uint32_t)stream->id, .stream = stream};
  else {
    script->app_count--;
    script_log(script, "request refused");
  }
}

static inline void script_tick(struct script *script, unsigned long ms) {
  const struct machine_ops *ops = script->machine.ops;
  for (unsigned long passed = 0; passed < ms; passed += 100) {
    script->now_ns += 100 * MILLISECOND_NS;
    if (ops->deadline_ns(script->machine.self) <= script->now_ns)
      ops->tick(script->machine.self, script->now_ns);
    script_pump(script);
  }
}

static inline void script_act(struct script *script, const char *text) {
  char verb[16], word[64] = "", more[16] = "";
  unsigned long id = 0, value = 0;
  assert_true(sscanf(text, "!%15s %63s %15s", verb, word, more) >= 1);
  id = strtoul(word, NULL, 10);
  value = strtoul(more, NULL, 10);
  const struct machine_ops *ops = script->machine.ops;
  struct script_app *app = script_app_of(script, id);
  bool alive = app && app->stream;
  if (strcmp(verb, "request") == 0) {
    char path[64];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(word, ";"), word);
    script_open(script, path, strncmp(more, "body", 4) == 0);
  } else if (strcmp(verb, "tick") == 0) {
    script_tick(script, id);
  } else if (strncmp(verb, "drain", 5) == 0) {
    ops->drain(script->machine.self, script->now_ns);
  } else if (strncmp(verb, "eof", 3) == 0) {
    ops->recv_eof(script->machine.self, script->now_ns);
  } else if (strncmp(verb, "mute", 4) == 0) {
    script->mute = true;
  } else if (strncmp(verb, "listen", 6) == 0) {
    script->mute = false;
  } else if (!alive) {
    return; /* the stream has ended: nothing the application could do */
  } else if (strcmp(verb, "respond") == 0) {
    (void)script_respond(app, (unsigned)value);
  } else if (strcmp(verb, "inform") == 0) {
    if (!stream_inform(app->stream, (unsigned)value, NULL, 0)) script_log(script, "inform refused");
  } else if (strcmp(verb, "send") == 0) {
    app->pending += value;
    stream_resume(app->stream);
  } else if (strcmp(verb, "end") == 0) {
    app->end = true;
    stream_resume(app->stream);
  } else if (strcmp(verb, "reset") == 0) {
    stream_reset(app->stream, (uint32_t)value);
  } else if (strcmp(verb, "trailers") == 0) {
    struct header trailer = {.name = span_text("x-sum"), .value = span_text("42")};
    (void)stream_trailers(app->stream, &trailer, 1);
  } else if (strcmp(verb, "push") == 0) {
    script_push(app, "/hold");
  } else {
    fail_msg("no such step: %s", text);
  }
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Runs the steps; what comes back after each is taken before the next. */
static inline void script_run(struct script *script, const char *text) {
  script_now = script;
  while (*text) {
    while (*text == ' ' || *text == ';')
      text++;
    if (!*text) break;
    const char *end = text + strcspn(text, ";");
    script->data_at = SIZE_MAX;
    const char *trimmed = end;
    while (trimmed > text && trimmed[-1] == ' ')
      trimmed--;
    if (*text == '!')
      script_act(script, text);
    else
      script_frame(script, text, trimmed);
    script_pump(script);
    text = end;
  }
}

static inline struct engine_config script_config(void) {
  struct engine_config config = engine_config_default();
  config.connection_window_bytes = 65535; /* small, so that a test can fill it */
  config.stream_window_bytes = 1 * MIB;
  config.connect_protocol = true;
  config.flow = FLOW_CONSUME;
  return config;
}

/* A connection whose prefaces have been exchanged unless `bare`. */
static inline void script_begin(struct script *script, enum h2_role role,
                                const struct engine_config *config, bool bare) {
  static struct handler handler = {.request = script_request};
  struct engine_config defaults = script_config();
  memset(script, 0, offsetof(struct script, log));
  script->log[0] = '\0';
  script->role = role;
  script->now_ns = 1000 * SECOND_NS;
  script->connection_credit = 65535;
  script->rst_code = -1;
  counted_init(&script->memory);
  counted_init(&script->own_memory);
  script_now = script;
  handler.ctx = script;
  hpack_decoder_init(&script->decoder, &script->own_memory.memory);
  headers_init(&script->fields, script->field_room, 128, script->arena, sizeof script->arena,
               sizeof script->arena);
  assert_true(engine_init(&script->engine, &script->memory.memory, config ? config : &defaults,
                          role == H2_SERVER ? &handler : NULL));
  assert_true((role == H2_SERVER ? h2_server : h2_client)(&script->engine, &loopback_peer, NULL,
                                                          script->now_ns, &script->machine));
  script_pump(script);
  if (bare) return;
  script_run(script, role == H2_SERVER ? "RAW ~magic; SETTINGS 0; SETTINGS/A 0"
                                       : "SETTINGS 0; SETTINGS/A 0");
  assert_string_equal(script->log, "");
}

/* Closes, and checks that nothing leaked. */
static inline void script_close(struct script *script) {
  script_now = script;
  script->machine.ops->close(script->machine.self);
  engine_destroy(&script->engine);
  hpack_decoder_destroy(&script->decoder);
  free(script->received);
  script->received = NULL;
  assert_int_equal(script->memory.count, 0);
  assert_int_equal(script->memory.bytes, 0);
}

static inline bool script_done(const struct script *script) {
  return script->machine.ops->wants(script->machine.self) & MACHINE_DONE;
}

/* ---- is the connection still whole? ---------------------------------------------------------- */

/* Server role: HPACK in step (all we ever inserted is still found where it has to be), and the
 * connection's window exactly as we know it: all of it can be used, and not one byte more. Ends the
 * connection. */
static inline void script_check_server(struct script *script) {
  char step[256];
  uint32_t id = (script->id_max + 1) | 1;
  script->log_len = 0;
  snprintf(step, sizeof step, "HEADERS/SH %u [@get +x-sync=%u]", id, id);
  script_run(script, step);
  snprintf(step, sizeof step, "%u", id);
  assert_string_equal(script->sync_value, step);
  for (unsigned back = 0; back < script->inserted_count && back < 4; back++) {
    const struct script_inserted *inserted = &script->inserted[script->inserted_count - 1 - back];
    if (strcmp(inserted->name, "x-sync") != 0) continue;
    id += 2;
    snprintf(step, sizeof step, "HEADERS/SH %u [@get #%u]", id, 62 + back);
    script_run(script, step);
    assert_string_equal(script->sync_value, inserted->value);
  }
  assert_false(script->goaway);
  snprintf(step, sizeof step, "HEADERS/H %u [@post]", id += 2);
  script_run(script, step);
  script->mute = true; /* no more credit comes to us */
  assert_true(script->connection_credit >= 0);
  while (script->connection_credit > 0) {
    int64_t bytes = script->connection_credit < 16384 ? script->connection_credit : 16384;
    snprintf(step, sizeof step, "DATA %u *%d", id, (int)bytes);
    script_run(script, step);
  }
  assert_false(h2_of(&script->machine)->dead);
  snprintf(step, sizeof step, "DATA %u *1", id);
  script->log_len = 0;
  script_run(script, step);
  script->mute = false;
  script_pump(script);
  assert_non_null(strstr(script->log, "FLOW_CONTROL_ERROR"));
}

/* Client role: the same with responses. */
static inline void script_check_client(struct script *script) {
  char step[256];
  script->log_len = 0;
  script_run(script, "!request /sync");
  uint32_t id = script->apps[script->app_count - 1].id;
  snprintf(step, sizeof step, "HEADERS/SH %u [@ok +x-sync=%u]", id, id);
  script_run(script, step);
  snprintf(step, sizeof step, "%u", id);
  assert_string_equal(script->sync_value, step);
  for (unsigned back = 0; back < script->inserted_count && back < 4; back++) {
    const struct script_inserted *inserted = &script->inserted[script->inserted_count - 1 - back];
    if (strcmp(inserted->name, "x-sync") != 0) continue;
    script_run(script, "!request /sync");
    id = script->apps[script->app_count - 1].id;
    snprintf(step, sizeof step, "HEADERS/SH %u [@ok #%u]", id, 62 + back);
    script_run(script, step);
    assert_string_equal(script->sync_value, inserted->value);
  }
  assert_false(script->goaway);
  script_run(script, "!request /sync");
  id = script->apps[script->app_count - 1].id;
  snprintf(step, sizeof step, "HEADERS/H %u [@ok]", id);
  script_run(script, step);
  script->mute = true;
  assert_true(script->connection_credit >= 0);
  while (script->connection_credit > 0) {
    int64_t bytes = script->connection_credit < 16384 ? script->connection_credit : 16384;
    snprintf(step, sizeof step, "DATA %u *%d", id, (int)bytes);
    script_run(script, step);
  }
  assert_false(h2_of(&script->machine)->dead);
  snprintf(step, sizeof step, "DATA %u *1", id);
  script->log_len = 0;
  script_run(script, step);
  script->mute = false;
  script_pump(script);
  assert_non_null(strstr(script->log, "FLOW_CONTROL_ERROR"));
}

static inline void script_check(struct script *script) {
  if (script->role == H2_SERVER)
    script_check_server(script);
  else
    script_check_client(script);
}

#endif
