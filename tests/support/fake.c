/*
 * support/fake.c - a stream without a protocol.
 */
#include "tests/support/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/http/contract.h"
#include "engine/http/handler.h"

static struct fake_stream *fake_of(struct stream *stream) {
  return (struct fake_stream *)stream;
}

static void append(char *text, const struct header *fields, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t len = strlen(text);
    snprintf(text + len, FAKE_TEXT_BYTES - len, "%.*s: %.*s\n", (int)fields[i].name.len,
             (const char *)fields[i].name.base, (int)fields[i].value.len,
             (const char *)fields[i].value.base);
  }
}

void fake_close_body(struct fake_stream *fake) {
  if (fake->body_closed || !fake->body.ops) return;
  fake->body_closed = true;
  if (fake->body.ops->close) fake->body.ops->close(fake->body.self);
}

static bool inform(struct stream *stream, unsigned status, const struct header *fields,
                   size_t count) {
  struct fake_stream *fake = fake_of(stream);
  size_t len = strlen(fake->informed);
  snprintf(fake->informed + len, FAKE_TEXT_BYTES - len, "%u\n", status);
  append(fake->informed, fields, count);
  return true;
}

void fake_closed(struct fake_stream *fake, uint32_t error_code) {
  if (fake->closed) return;
  fake->closed = true;
  if (fake->stream.events && fake->stream.events->closed)
    fake->stream.events->closed(&fake->stream, error_code);
}

static bool respond(struct stream *stream, unsigned status, const struct header *fields,
                    size_t count, struct body body) {
  struct fake_stream *fake = fake_of(stream);
  if (fake->status != 0) abort(); /* a handler answers once */
  fake->status = status;
  fake->body = body;
  append(fake->fields, fields, count);
  if (!fake->refuse) return true;
  fake_close_body(fake);
  fake_closed(fake, 2);
  return false;
}

static bool tunnel(struct stream *stream, const struct header *fields, size_t count,
                   struct body body) {
  return respond(stream, 200, fields, count, body);
}

static bool respond_set(struct stream *stream, unsigned status, struct header_set *set,
                        struct body body) {
  return respond(stream, status, set->at, set->count, body);
}

static struct stream *push(struct stream *stream, const struct header *fields, size_t count) {
  static struct stream promised;
  struct fake_stream *fake = fake_of(stream);
  if (!fake->accept_push) return NULL;
  append(fake->pushed, fields, count);
  return &promised;
}

static void resume(struct stream *stream) {
  struct fake_stream *fake = fake_of(stream);
  bool body = fake->body.ops && !fake->body_closed;
  if (fake->closed && !body) abort(); /* contract: then not after closed() */
  fake->resumed++;
}

static void timer(struct stream *stream, uint64_t deadline_ns) {
  fake_of(stream)->timer_ns = deadline_ns;
}

static void consume(struct stream *stream, size_t bytes) {
  fake_of(stream)->consumed += bytes;
}

static void reset(struct stream *stream, uint32_t error_code) {
  fake_close_body(fake_of(stream));
  fake_closed(fake_of(stream), error_code);
}

static uint64_t now_ns(const struct stream *stream) {
  return ((const struct fake_stream *)stream)->now_ns;
}

static void head_start(struct stream *stream, uint64_t first_bytes) {
  fake_of(stream)->head_start = first_bytes;
}

static const struct stream_ops ops = {
    .inform = inform,
    .respond = respond,
    .respond_set = respond_set,
    .push = push,
    .resume = resume,
    .consume = consume,
    .timer = timer,
    .reset = reset,
    .head_start = head_start,
    .tunnel = tunnel,
    .now_ns = now_ns,
};

static void append_bytes(struct fake_stream *fake, struct span bytes) {
  if (bytes.len == 0) return;
  if (fake->len + bytes.len > fake->capacity) {
    fake->capacity = (fake->len + bytes.len) * 2;
    fake->bytes = realloc(fake->bytes, fake->capacity);
  }
  memcpy(fake->bytes + fake->len, bytes.base, bytes.len);
  fake->len += bytes.len;
}

enum body_result fake_pull(struct fake_stream *fake, size_t max) {
  uint8_t *room = malloc(max);
  struct body_chunk chunk = {.room = room, .max = max, .lend_max = fake->lend_max};
  fake->last = fake->body.ops->pull(fake->body.self, &chunk);
  if (contract_pulled(fake->last, &chunk)) abort();
  if (fake->last == BODY_MORE || fake->last == BODY_END) {
    append_bytes(fake, chunk.bytes);
    append_bytes(fake, chunk.lent);
  }
  free(room);
  return fake->last;
}

void fake_pull_all(struct fake_stream *fake, size_t max) {
  while (fake->body.ops && !fake->body_closed) {
    enum body_result result = fake_pull(fake, max);
    if (result == BODY_WAIT) return;
    if (result != BODY_MORE) fake_close_body(fake);
  }
  fake_closed(fake, 0);
}

/* Sends the request with values that are exact-size copies on the heap, freed when the handler
 * returns. So AddressSanitizer sees a handler that keeps borrowed values. */
static void give(struct fake_stream *fake, const struct handler *handler, struct headers *list,
                 uint64_t now_ns) {
  uint8_t *copies[FAKE_FIELDS_MAX];
  for (uint32_t i = 0; i < list->count; i++) {
    struct span *value = &list->at[i].value;
    copies[i] = malloc(value->len ? value->len : 1);
    if (value->len > 0) memcpy(copies[i], value->base, value->len);
    value->base = copies[i];
  }
  struct request request = {
      .method = list->at[0].value,
      .scheme = list->at[1].value,
      .authority = list->at[2].value,
      .path = list->at[3].value,
      .fields = list,
      .content_length = -1,
      .number = fake->number,
      .end = !span_is(list->at[0].value, "POST") && !span_is(list->at[0].value, "CONNECT"),
  };
  const struct header *length = headers_find(list, TOKEN_CONTENT_LENGTH);
  uint64_t content_length;
  if (length && decimal_get(length->value, &content_length))
    request.content_length = (int64_t)content_length;
  handler->request(handler->ctx, &fake->stream, &request, now_ns);
  for (uint32_t i = 0; i < list->count; i++)
    free(copies[i]);
}

/* As of a connection without TLS. */
static const struct machine_peer nobody;

void fake_request(struct fake_stream *fake, const struct handler *handler, const char *method,
                  const char *path, const struct header *fields, size_t count, uint64_t now_ns) {
  struct header at[FAKE_FIELDS_MAX] = {
      header_of(TOKEN_METHOD, span_text(method)),
      header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("example.org")),
      header_of(TOKEN_PATH, span_text(path)),
  };
  struct headers list = {.at = at, .count = 4, .max = FAKE_FIELDS_MAX};
  for (size_t i = 0; i < count; i++)
    at[list.count++] = fields[i];
  *fake = (struct fake_stream){.stream = {.ops = &ops, .id = 1, .peer = &nobody},
                               .timer_ns = UINT64_MAX,
                               .now_ns = now_ns,
                               .refuse = fake->refuse,
                               .accept_push = fake->accept_push,
                               .number = fake->number};
  give(fake, handler, &list, now_ns);
}

void fake_begin(struct fake_stream *fake, uint64_t now_ns) {
  *fake = (struct fake_stream){
      .stream = {.ops = &ops, .id = 1, .peer = &nobody}, .timer_ns = UINT64_MAX, .now_ns = now_ns};
}

const char *fake_field(const struct fake_stream *fake, const char *name) {
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

void fake_free(struct fake_stream *fake) {
  fake_close_body(fake);
  fake_closed(fake, 8);
  free(fake->bytes);
  fake->bytes = NULL;
}
