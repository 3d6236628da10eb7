/*
 * support/torture.h - a server and a client that do a bit of everything, for tests that refuse something
 * the two need. What is called complete must be complete; every exchange ends exactly once.
 */
#ifndef WEIR_TEST_TORTURE_H
#define WEIR_TEST_TORTURE_H

#include "engine/http/body.h"
#include "tests/support/loopback.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS = 70, BIG_BYTES = 120000, HUGE_BYTES = 20000 };

static uint8_t pattern[BIG_BYTES];
static char huge[HUGE_BYTES];

/* ---- a server ---------------------------------------------------------------------------------
 */

struct echo {
  uint8_t *bytes;
  size_t len, sent;
  bool end;
};

static inline enum body_result echo_pull(void *self, struct body_chunk *chunk) {
  struct echo *echo = self;
  size_t left = echo->len - echo->sent, take = left < chunk->max ? left : chunk->max;
  if (take) memcpy(chunk->room, echo->bytes + echo->sent, take);
  chunk->bytes = span_of(chunk->room, take);
  echo->sent += take;
  if (echo->sent < echo->len) return BODY_MORE;
  return echo->end ? BODY_END : BODY_WAIT;
}

static inline void echo_close(void *self) {
  struct echo *echo = self;
  free(echo->bytes);
  free(echo);
}

static inline void echo_data(struct stream *stream, struct span bytes, bool end) {
  struct echo *echo = stream->user;
  echo->bytes = realloc(echo->bytes, echo->len + bytes.len + 1);
  if (bytes.len) memcpy(echo->bytes + echo->len, bytes.base, bytes.len);
  echo->len += bytes.len;
  echo->end = end;
  stream_resume(stream);
}

static inline void echo_trailers(struct stream *stream, const struct headers *fields) {
  assert(fields->count == 1);
  echo_data(stream, (struct span){0}, true);
}

static inline void late(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  (void)stream_respond(stream, 200, NULL, 0, BODY_NONE);
}

static const struct body_ops echo_body = {.pull = echo_pull, .close = echo_close};
static const struct stream_events echo_events = {.data = echo_data, .trailers = echo_trailers};
static const struct stream_events late_events = {.timer = late};

static inline void free_state(void *ctx) {
  free(ctx);
}

static inline struct body lend(size_t len) {
  struct body_bytes *state = malloc(sizeof *state);
  return body_bytes(state, span_of(pattern, len), free_state, state);
}

static inline void serve_echo(struct stream *stream, bool end) {
  struct echo *echo = calloc(1, sizeof *echo);
  stream->events = &echo_events;
  stream->user = echo;
  echo->end = end;
  (void)stream_respond(stream, 200, NULL, 0, (struct body){&echo_body, echo});
}

static inline void serve_push(struct stream *stream) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/pushed"))};
  for (int i = 0; i < 3; i++)
    (void)stream_push(stream, fields, 4);
  (void)stream_respond(stream, 200, NULL, 0, lend(100));
}

static inline void serve_hints(struct stream *stream) {
  struct header link = header_of(TOKEN_LINK, span_text("</a.css>; rel=preload"));
  (void)stream_inform(stream, 103, &link, 1);
  (void)stream_inform(stream, 103, &link, 1);
  (void)stream_respond(stream, 200, NULL, 0, BODY_NONE);
}

static inline void serve_huge(struct stream *stream) {
  struct header field = {.name = span_text("x-huge"), .value = span_of(huge, sizeof huge)};
  (void)stream_respond(stream, 200, &field, 1, lend(10));
}

static inline void serve_trailers(struct stream *stream) {
  struct header trailer = {.name = span_text("x-sum"), .value = span_text("42")};
  if (!stream_respond(stream, 200, NULL, 0, lend(10))) return;
  if (!stream_trailers(stream, &trailer, 1)) stream_reset(stream, H2_INTERNAL_ERROR);
}

static inline void serve_late(struct stream *stream, uint64_t now_ns) {
  stream->events = &late_events;
  stream_timer(stream, now_ns + MILLISECOND_NS);
}

static inline void serve(void *ctx, struct stream *stream, const struct request *request,
                         uint64_t now_ns) {
  (void)ctx;
  bool tunnel = span_is(request->method, "CONNECT");
  if (tunnel || span_is(request->path, "/echo"))
    serve_echo(stream, request->end);
  else if (span_is(request->path, "/push"))
    serve_push(stream);
  else if (span_is(request->path, "/hints"))
    serve_hints(stream);
  else if (span_is(request->path, "/huge"))
    serve_huge(stream);
  else if (span_is(request->path, "/trailers"))
    serve_trailers(stream);
  else if (span_is(request->path, "/late"))
    serve_late(stream, now_ns);
  else if (span_is(request->path, "/big"))
    (void)stream_respond(stream, 200, NULL, 0, lend(BIG_BYTES));
  else
    (void)stream_respond(stream, 200, NULL, 0, lend(100));
}

/* ---- a client ---------------------------------------------------------------------------------
 */

struct torture_client;

struct item {
  struct torture_client *client;
  struct stream *stream; /* NULL before and after */
  bool made, closed, end;
  bool given_up; /* by the client itself */
  unsigned status;
  uint32_t code;
  size_t received, expected;
};

/* Exchanges of one connection, as its client sees them. */
struct torture_client {
  struct h2 *h2;
  struct item items[ITEMS];
  uint32_t item_count;
  uint32_t open;                                 /* made and not closed */
  void (*closed)(struct torture_client *client); /* an exchange has ended; may be NULL */
};

static inline void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                               bool end) {
  struct item *item = stream->user;
  (void)fields;
  if (status < 200) return;
  item->status = status;
  item->end = end;
}

static inline void on_data(struct stream *stream, struct span bytes, bool end) {
  struct item *item = stream->user;
  assert(item->received + bytes.len <= item->expected);
  assert(bytes.len == 0 || memcmp(bytes.base, pattern + item->received, bytes.len) == 0);
  item->received += bytes.len;
  item->end |= end;
}

static inline void on_trailers(struct stream *stream, const struct headers *fields) {
  struct item *item = stream->user;
  assert(fields->count == 1);
  item->end = true;
}

static inline void on_closed(struct stream *stream, uint32_t error_code) {
  struct item *item = stream->user;
  assert(!(item->closed));
  item->closed = true;
  item->stream = NULL;
  item->code = error_code;
  item->client->open--;
  if (item->client->closed) item->client->closed(item->client);
}

static const struct stream_events client_events;

static inline struct item *item_new(struct torture_client *client, size_t expected) {
  assert(client->item_count < ITEMS);
  struct item *item = &client->items[client->item_count++];
  *item = (struct item){.client = client, .expected = expected};
  return item;
}

/* Promised streams find their client here: one runs at a time. */
static struct torture_client *torture_current;

static inline void on_promise(struct stream *stream, struct stream *promised,
                              const struct request *request) {
  (void)stream;
  assert(span_is(request->path, "/pushed"));
  struct item *item = item_new(torture_current, 100);
  item->stream = promised;
  item->made = true;
  torture_current->open++;
  promised->user = item;
  promised->events = &client_events;
}

static const struct stream_events client_events = {.response = on_response,
                                                   .data = on_data,
                                                   .trailers = on_trailers,
                                                   .promise = on_promise,
                                                   .closed = on_closed};

/* A request with exactly these fields, whose response has `expected` bytes. */
static inline struct item *ask_with(struct torture_client *client, const struct header *fields,
                                    size_t count, struct body body, size_t expected) {
  struct item *item = item_new(client, expected);
  item->stream = h2_request(client->h2, fields, count, body, &client_events, item);
  item->made = item->stream != NULL;
  client->open += item->made;
  return item;
}

/* A request without fields of its own. */
static inline struct item *ask(struct torture_client *client, const char *method, const char *path,
                               struct body body, size_t expected) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text(method)), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  return ask_with(client, fields, 4, body, expected);
}

/* A request whose header block takes two frames. `bytes` is at most HUGE_BYTES. */
static inline struct item *ask_huge(struct torture_client *client, size_t bytes) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/")),
      (struct header){.name = span_text("x-huge"), .value = span_of(huge, bytes)}};
  return ask_with(client, fields, 5, BODY_NONE, 100);
}

static inline struct item *ask_with_trailers(struct torture_client *client) {
  struct header trailer = {.name = span_text("x-sum"), .value = span_text("7")};
  struct item *item = ask(client, "POST", "/echo", lend(1000), 1000);
  if (item->stream && !stream_trailers(item->stream, &trailer, 1))
    stream_reset(item->stream, H2_INTERNAL_ERROR);
  return item;
}

static inline struct item *ask_for_tunnel(struct torture_client *client) {
  struct header fields[] = {header_of(TOKEN_METHOD, span_text("CONNECT")),
                            header_of(TOKEN_AUTHORITY, span_text("a:1"))};
  return ask_with(client, fields, 2, lend(3000), 3000);
}

/* Codes that a lack of resources may lead to; anything else would blame the peer. */
static inline bool is_about_resources(uint32_t code) {
  return code == H2_INTERNAL_ERROR || code == H2_REFUSED_STREAM || code == H2_CANCEL ||
         code == H2_CONNECT_ERROR;
}

/* After the connection has gone. `refused`: something was, so that exchanges may be incomplete. */
static inline void check_items(const struct torture_client *client, bool refused) {
  for (uint32_t i = 0; i < client->item_count; i++) {
    const struct item *item = &client->items[i];
    if (!item->made) {
      assert(refused);
      continue;
    }
    assert(item->closed);
    bool complete = item->code == 0;
    assert(complete || ((refused || item->given_up) && is_about_resources(item->code)));
    assert(!complete || item->end);
    assert(!complete || item->status != 200 || item->received == item->expected);
  }
}

static const struct handler torture_handler = {.request = serve};

static inline void torture_init(void) {
  for (size_t i = 0; i < sizeof pattern; i++)
    pattern[i] = (uint8_t)(i * 2654435761u >> 13);
  memset(huge, '#', sizeof huge);
}

#endif
