/*
 * support/h2_script_app.h - part of tests/support/h2_script.h: the script, its transcript, and the application that it
 * plays on top of the machine under test.
 */
#ifndef WEIR_TESTS_H2_SCRIPT_APP_H
#define WEIR_TESTS_H2_SCRIPT_APP_H

#include "tests/support/loopback.h"

#include "engine/base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  /* Kept from one connection to the next. */
  struct counted_memory memory; /* of the engine */
  struct engine engine;

  enum h2_role role; /* of the machine under test */
  struct counted_memory own_memory;
  struct machine machine;
  uint64_t now_ns;
  size_t piece_bytes;                                     /* most bytes a recv; 0: a whole step */
  void (*sink)(struct script *script, struct span bytes); /* who gets them instead of the machine */
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
  uint8_t *block; /* of HEADERS and CONTINUATION frames, while it is not complete */
  size_t block_len;
  uint32_t block_id;
  uint8_t block_flags;
  bool settings_seen, goaway;
  uint32_t frame_bytes_max;    /* that we announced */
  int64_t table_bytes_pending; /* likewise, not yet acknowledged; -1: nothing */
  uint32_t settings_acks, goaway_last_id, continuations;
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

/* A response with a field of so many bytes. */
static inline bool script_respond_bulk(struct script_app *app, size_t bytes) {
  char *value = malloc(bytes + 1);
  memset(value, '~', bytes); /* its Huffman code is longer than itself: not compressed */
  struct header field = {.name = span_text("x-bulk"), .value = span_of(value, bytes)};
  bool ok = stream_respond(app->stream, 200, &field, 1, BODY_NONE);
  free(value);
  return ok;
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

#endif
