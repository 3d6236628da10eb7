/*
 * support/torture.c - a server and a client that do a bit of everything.
 */
#include "tests/support/torture.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/http/body.h"

static uint8_t pattern[TORTURE_BIG_BYTES];
static char huge[TORTURE_HUGE_BYTES];

void torture_init(void) {
  for (size_t i = 0; i < sizeof pattern; i++)
    pattern[i] = (uint8_t)(i * 2654435761u >> 13);
  memset(huge, '#', sizeof huge);
}

static void free_state(void *ctx) {
  free(ctx);
}

struct body torture_lend(size_t bytes) {
  struct body_bytes *state = malloc(sizeof *state);
  return body_bytes(state, span_of(pattern, bytes), free_state, state);
}

/* ---- the server ------------------------------------------------------------------------------ */

/* The body that comes back, as far as it has arrived. */
struct echo {
  uint8_t *bytes;
  size_t len, sent;
  bool end;
};

static enum body_result echo_pull(void *self, struct body_chunk *chunk) {
  struct echo *echo = self;
  size_t left = echo->len - echo->sent, take = left < chunk->max ? left : chunk->max;
  if (take) memcpy(chunk->room, echo->bytes + echo->sent, take);
  chunk->bytes = span_of(chunk->room, take);
  echo->sent += take;
  if (echo->sent < echo->len) return BODY_MORE;
  return echo->end ? BODY_END : BODY_WAIT;
}

static void echo_close(void *self) {
  struct echo *echo = self;
  free(echo->bytes);
  free(echo);
}

static void echo_data(struct stream *stream, struct span bytes, bool end) {
  struct echo *echo = stream->user;
  echo->bytes = realloc(echo->bytes, echo->len + bytes.len + 1);
  if (bytes.len) memcpy(echo->bytes + echo->len, bytes.base, bytes.len);
  echo->len += bytes.len;
  echo->end = end;
  stream_resume(stream);
}

static void echo_trailers(struct stream *stream, const struct headers *fields) {
  assert(fields->count == 1);
  echo_data(stream, (struct span){0}, true);
}

static void late(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  (void)stream_respond(stream, 200, NULL, 0, BODY_NONE);
}

static const struct body_ops echo_body = {.pull = echo_pull, .close = echo_close};
static const struct stream_events echo_events = {.data = echo_data, .trailers = echo_trailers};
static const struct stream_events late_events = {.timer = late};

static void serve_echo(struct stream *stream, bool end) {
  struct echo *echo = calloc(1, sizeof *echo);
  stream->events = &echo_events;
  stream->duplex = true;
  stream->user = echo;
  echo->end = end;
  (void)stream_respond(stream, 200, NULL, 0, (struct body){&echo_body, echo});
}

static void serve_push(struct stream *stream) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/pushed"))};
  for (int i = 0; i < 3; i++)
    (void)stream_push(stream, fields, 4);
  (void)stream_respond(stream, 200, NULL, 0, torture_lend(100));
}

static void serve_hints(struct stream *stream) {
  struct header link = header_of(TOKEN_LINK, span_text("</a.css>; rel=preload"));
  (void)stream_inform(stream, 103, &link, 1);
  (void)stream_inform(stream, 103, &link, 1);
  (void)stream_respond(stream, 200, NULL, 0, BODY_NONE);
}

static void serve_huge(struct stream *stream) {
  struct header field = {.name = span_text("x-huge"), .value = span_of(huge, sizeof huge)};
  (void)stream_respond(stream, 200, &field, 1, torture_lend(10));
}

static void serve_trailers(struct stream *stream) {
  struct header trailer = {.name = span_text("x-sum"), .value = span_text("42")};
  if (!stream_respond(stream, 200, NULL, 0, torture_lend(10))) return;
  if (!stream_trailers(stream, &trailer, 1)) stream_reset(stream, H2_INTERNAL_ERROR);
}

static void serve_late(struct stream *stream, uint64_t now_ns) {
  stream->events = &late_events;
  stream_timer(stream, now_ns + MILLISECOND_NS);
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
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
    (void)stream_respond(stream, 200, NULL, 0, torture_lend(TORTURE_BIG_BYTES));
  else
    (void)stream_respond(stream, 200, NULL, 0, torture_lend(100));
}

const struct handler torture_handler = {.request = serve};

/* ---- the client ------------------------------------------------------------------------------ */

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct torture_item *item = stream->user;
  (void)fields;
  if (status < 200) return;
  item->status = status;
  item->end = end;
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct torture_item *item = stream->user;
  assert(item->received + bytes.len <= item->expected);
  assert(bytes.len == 0 || memcmp(bytes.base, pattern + item->received, bytes.len) == 0);
  item->received += bytes.len;
  item->end |= end;
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct torture_item *item = stream->user;
  assert(fields->count == 1);
  item->end = true;
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct torture_item *item = stream->user;
  assert(!item->closed);
  item->closed = true;
  item->stream = NULL;
  item->code = error_code;
  item->client->open--;
  if (item->client->closed) item->client->closed(item->client);
}

static const struct stream_events client_events;

static struct torture_item *item_new(struct torture_client *client, size_t expected) {
  assert(client->item_count < TORTURE_ITEMS);
  struct torture_item *item = &client->items[client->item_count++];
  *item = (struct torture_item){.client = client, .expected = expected};
  return item;
}

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  struct torture_item *asked = stream->user, *item = item_new(asked->client, 100);
  assert(span_is(request->path, "/pushed"));
  item->stream = promised;
  item->made = true;
  asked->client->open++;
  promised->user = item;
  promised->events = &client_events;
}

static const struct stream_events client_events = {.response = on_response,
                                                   .data = on_data,
                                                   .trailers = on_trailers,
                                                   .promise = on_promise,
                                                   .closed = on_closed};

struct torture_item *torture_ask_with(struct torture_client *client, const struct header *fields,
                                      size_t count, struct body body, size_t expected) {
  struct torture_item *item = item_new(client, expected);
  item->stream = h2_request(client->h2, fields, count, body, &client_events, item);
  item->made = item->stream != NULL;
  client->open += item->made;
  return item;
}

struct torture_item *torture_ask(struct torture_client *client, const char *method,
                                 const char *path, struct body body, size_t expected) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text(method)), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  return torture_ask_with(client, fields, 4, body, expected);
}

void torture_ask_huge(struct torture_client *client, size_t bytes) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/")),
      (struct header){.name = span_text("x-huge"), .value = span_of(huge, bytes)}};
  (void)torture_ask_with(client, fields, 5, BODY_NONE, 100);
}

void torture_ask_with_trailers(struct torture_client *client) {
  struct header trailer = {.name = span_text("x-sum"), .value = span_text("7")};
  struct torture_item *item = torture_ask(client, "POST", "/echo", torture_lend(1000), 1000);
  if (item->stream && !stream_trailers(item->stream, &trailer, 1))
    stream_reset(item->stream, H2_INTERNAL_ERROR);
}

void torture_ask_for_tunnel(struct torture_client *client) {
  struct header fields[] = {header_of(TOKEN_METHOD, span_text("CONNECT")),
                            header_of(TOKEN_AUTHORITY, span_text("a:1"))};
  (void)torture_ask_with(client, fields, 2, torture_lend(3000), 3000);
}

/* Lack of resources may lead to these codes. Any other would blame the peer. */
static bool is_about_resources(uint32_t code) {
  return code == H2_INTERNAL_ERROR || code == H2_REFUSED_STREAM || code == H2_CANCEL ||
         code == H2_CONNECT_ERROR;
}

void torture_check(const struct torture_client *client, bool refused) {
  for (uint32_t i = 0; i < client->item_count; i++) {
    const struct torture_item *item = &client->items[i];
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
