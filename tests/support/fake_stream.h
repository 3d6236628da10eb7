/*
 * support/fake_stream.h - a stream without a protocol: it records what a handler answers, and pulls bodies
 * in pieces of any size, so that handlers can be tested alone.
 */
#ifndef WEIR_TESTS_FAKE_STREAM_H
#define WEIR_TESTS_FAKE_STREAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/http/handler.h"

enum { FAKE_FIELDS_MAX = 40, FAKE_TEXT_BYTES = 4096 };

struct fake_stream {
  struct stream stream;           /* first, so that the operations find the rest */
  unsigned status;                /* 0: not yet */
  char fields[FAKE_TEXT_BYTES];   /* "name: value\n" each, of the final response */
  char informed[FAKE_TEXT_BYTES]; /* "103\n" and fields, for each informational response */
  char pushed[FAKE_TEXT_BYTES];   /* ":path" values, one a line */
  struct body body;
  uint8_t *bytes; /* of the body, as far as it was pulled */
  size_t len, capacity;
  enum body_result last;
  bool body_closed, closed, refuse, accept_push;
  unsigned resumed;
  uint64_t timer_ns;
  size_t consumed;
  uint64_t head_start; /* what stream_head_start() said last */
  const struct handler *handler;
};

static struct fake_stream *fake_of(struct stream *stream) {
  return (struct fake_stream *)stream;
}

static void fake_append(char *text, const struct header *fields, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t len = strlen(text);
    snprintf(text + len, FAKE_TEXT_BYTES - len, "%.*s: %.*s\n", (int)fields[i].name.len,
             (const char *)fields[i].name.base, (int)fields[i].value.len,
             (const char *)fields[i].value.base);
  }
}

static void fake_close_body(struct fake_stream *fake) {
  if (fake->body_closed || !fake->body.ops) return;
  fake->body_closed = true;
  if (fake->body.ops->close) fake->body.ops->close(fake->body.self);
}

static bool fake_inform(struct stream *stream, unsigned status, const struct header *fields,
                        size_t count) {
  struct fake_stream *fake = fake_of(stream);
  size_t len = strlen(fake->informed);
  snprintf(fake->informed + len, FAKE_TEXT_BYTES - len, "%u\n", status);
  fake_append(fake->informed, fields, count);
  return true;
}

static void fake_closed(struct fake_stream *fake, uint32_t error_code) {
  if (fake->closed) return;
  fake->closed = true;
  if (fake->stream.events && fake->stream.events->closed)
    fake->stream.events->closed(&fake->stream, error_code);
}

static bool fake_respond(struct stream *stream, unsigned status, const struct header *fields,
                         size_t count, struct body body) {
  struct fake_stream *fake = fake_of(stream);
  if (fake->status != 0) abort(); /* a handler answers once */
  fake->status = status;
  fake->body = body;
  fake_append(fake->fields, fields, count);
  if (!fake->refuse) return true;
  fake_close_body(fake);
  fake_closed(fake, 2);
  return false;
}

static bool fake_respond_set(struct stream *stream, unsigned status, struct header_set *set,
                             struct body body) {
  return fake_respond(stream, status, set->at, set->count, body);
}

static struct stream *fake_push(struct stream *stream, const struct header *fields, size_t count) {
  static struct stream promised;
  struct fake_stream *fake = fake_of(stream);
  if (!fake->accept_push) return NULL;
  fake_append(fake->pushed, fields, count);
  return &promised;
}

static void fake_resume(struct stream *stream) {
  if (fake_of(stream)->closed) abort(); /* contract: not after closed() */
  fake_of(stream)->resumed++;
}

static void fake_timer(struct stream *stream, uint64_t deadline_ns) {
  fake_of(stream)->timer_ns = deadline_ns;
}

static void fake_consume(struct stream *stream, size_t bytes) {
  fake_of(stream)->consumed += bytes;
}

static void fake_reset(struct stream *stream, uint32_t error_code) {
  fake_close_body(fake_of(stream));
  fake_closed(fake_of(stream), error_code);
}

static void fake_head_start(struct stream *stream, uint64_t first_bytes) {
  fake_of(stream)->head_start = first_bytes;
}

static const struct stream_ops fake_ops = {
    .inform = fake_inform,
    .respond = fake_respond,
    .respond_set = fake_respond_set,
    .push = fake_push,
    .resume = fake_resume,
    .consume = fake_consume,
    .timer = fake_timer,
    .reset = fake_reset,
    .head_start = fake_head_start,
};

/* Pulls at most `max` bytes once. */
static enum body_result fake_pull(struct fake_stream *fake, size_t max) {
  uint8_t *room = malloc(max);
  struct body_chunk chunk = {.room = room, .max = max};
  fake->last = fake->body.ops->pull(fake->body.self, &chunk);
  if (fake->last == BODY_MORE || fake->last == BODY_END) {
    if (chunk.bytes.len > max) abort();
    if (fake->len + chunk.bytes.len > fake->capacity) {
      fake->capacity = (fake->len + chunk.bytes.len) * 2;
      fake->bytes = realloc(fake->bytes, fake->capacity);
    }
    if (chunk.bytes.len > 0) memcpy(fake->bytes + fake->len, chunk.bytes.base, chunk.bytes.len);
    fake->len += chunk.bytes.len;
  }
  free(room);
  return fake->last;
}

/* Pulls until the body has no more or wants to wait; closes it at its end, and the stream after. */
static void fake_pull_all(struct fake_stream *fake, size_t max) {
  while (fake->body.ops && !fake->body_closed) {
    enum body_result result = fake_pull(fake, max);
    if (result == BODY_WAIT) return;
    if (result != BODY_MORE) fake_close_body(fake);
  }
  fake_closed(fake, 0);
}

/* Sends a request to a handler: "GET /path", and fields by token. */
static void fake_request(struct fake_stream *fake, const struct handler *handler,
                         const char *method, const char *path, const struct header *fields,
                         size_t count, uint64_t now_ns) {
  struct header at[FAKE_FIELDS_MAX] = {
      header_of(TOKEN_METHOD, span_text(method)),
      header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("example.org")),
      header_of(TOKEN_PATH, span_text(path)),
  };
  /* Exact-size copies on the heap, gone when the handler has returned: borrowed means borrowed. */
  char *copies[FAKE_FIELDS_MAX] = {0};
  struct headers list = {.at = at, .count = 4, .max = FAKE_FIELDS_MAX};
  for (size_t i = 0; i < count; i++)
    at[list.count++] = fields[i];
  for (uint32_t i = 0; i < list.count; i++) {
    copies[i] = malloc(at[i].value.len ? at[i].value.len : 1);
    if (at[i].value.len > 0) memcpy(copies[i], at[i].value.base, at[i].value.len);
    at[i].value.base = (uint8_t *)copies[i];
  }
  struct request request = {
      .method = at[0].value,
      .scheme = at[1].value,
      .authority = at[2].value,
      .path = at[3].value,
      .fields = &list,
      .content_length = -1,
      .end = true,
  };
  const struct header *length = headers_find(&list, TOKEN_CONTENT_LENGTH);
  uint64_t content_length;
  if (length && decimal_get(length->value, &content_length))
    request.content_length = (int64_t)content_length;
  if (span_is(request.method, "POST")) request.end = false;
  *fake = (struct fake_stream){.stream = {.ops = &fake_ops, .id = 1},
                               .timer_ns = UINT64_MAX,
                               .refuse = fake->refuse,
                               .accept_push = fake->accept_push,
                               .handler = handler};
  handler->request(handler->ctx, &fake->stream, &request, now_ns);
  for (uint32_t i = 0; i < list.count; i++)
    free(copies[i]);
}

/* The value of a response field, or NULL. Valid until the next call. */
static inline const char *fake_field(const struct fake_stream *fake, const char *name) {
  static char value[1000];
  size_t len = strlen(name);
  for (const char *line = fake->fields; line && *line; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, name, len) != 0 || line[len] != ':') continue;
    snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 2, "\n"), line + len + 2);
    return value;
  }
  return NULL;
}

static inline void fake_free(struct fake_stream *fake) {
  fake_close_body(fake);
  fake_closed(fake, 8);
  free(fake->bytes);
  fake->bytes = NULL;
}

#endif
