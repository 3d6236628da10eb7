/*
 * h2/test_h2.c - whole exchanges between a client engine and a server engine, without sockets.
 */
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a server that answers a few paths ------------------------------------------------------- */

static uint8_t pattern[300000];

struct echo {
  uint8_t *bytes;
  size_t len, sent;
  bool end;
};

static enum body_result echo_pull(void *self, struct body_chunk *chunk) {
  struct echo *echo = self;
  size_t left = echo->len - echo->sent, take = left < chunk->max ? left : chunk->max;
  memcpy(chunk->room, echo->bytes + echo->sent, take);
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
  assert_true(echo->len + bytes.len <= sizeof pattern);
  if (bytes.len) memcpy(echo->bytes + echo->len, bytes.base, bytes.len);
  echo->len += bytes.len;
  echo->end = end;
  stream_resume(stream);
}

static void late_timer(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
}

static const struct body_ops echo_body = {.pull = echo_pull, .close = echo_close};
static const struct stream_events echo_events = {.data = echo_data};
static const struct stream_events late_events = {.timer = late_timer};

static void free_state(void *ctx) {
  free(ctx);
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)ctx;
  if (span_is(request->path, "/echo")) {
    struct echo *echo = calloc(1, sizeof *echo);
    echo->bytes = malloc(sizeof pattern);
    stream->events = &echo_events;
    stream->duplex = true;
    stream->user = echo;
    echo->end = request->end;
    assert_true(stream_respond(stream, 200, NULL, 0, (struct body){&echo_body, echo}));
  } else if (span_is(request->path, "/late")) {
    stream->events = &late_events;
    stream_timer(stream, now_ns + SECOND_NS);
  } else if (span_is(request->path, "/hints")) {
    struct header link = header_of(TOKEN_LINK, span_text("</a.css>; rel=preload"));
    assert_true(stream_inform(stream, 103, &link, 1));
    assert_true(stream_respond(stream, 200, NULL, 0, BODY_NONE));
  } else if (span_is(request->path, "/push")) {
    struct header fields[] = {
        header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
        header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/pushed"))};
    (void)stream_push(stream, fields, 4);
    assert_true(stream_respond(stream, 200, NULL, 0, BODY_NONE));
  } else if (span_is(request->path, "/trailers")) {
    struct body_bytes *state = malloc(sizeof *state);
    struct header trailer = {.name = span_text("x-sum"), .value = span_text("42")};
    assert_true(stream_respond(stream, 200, NULL, 0,
                               body_bytes(state, span_text("body"), free_state, state)));
    assert_true(stream_trailers(stream, &trailer, 1));
  } else {
    struct body_bytes *state = malloc(sizeof *state);
    struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/plain"));
    assert_true(
        stream_respond(stream, 200, &type, 1,
                       body_bytes(state, span_of(pattern, sizeof pattern), free_state, state)));
  }
}

static const struct handler handler = {.request = serve};

/* ---- a client that records events ------------------------------------------------------------ */

struct notes {
  unsigned status, informed, closed, trailers, promised;
  uint32_t error_code;
  bool end;
  size_t len;
  uint8_t bytes[sizeof pattern + 1];
  char server[16], date[32];
};

static void note_field(const struct headers *fields, enum header_token token, char *out,
                       size_t size) {
  const struct header *field = headers_find(fields, token);
  if (field) snprintf(out, size, "%.*s", (int)field->value.len, (const char *)field->value.base);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct notes *notes = stream->user;
  if (status < 200) {
    notes->informed = status;
    return;
  }
  notes->status = status;
  notes->end = end;
  note_field(fields, TOKEN_SERVER, notes->server, sizeof notes->server);
  note_field(fields, TOKEN_DATE, notes->date, sizeof notes->date);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct notes *notes = stream->user;
  assert_true(notes->len + bytes.len <= sizeof notes->bytes);
  if (bytes.len) memcpy(notes->bytes + notes->len, bytes.base, bytes.len);
  notes->len += bytes.len;
  notes->end = end;
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct notes *notes = stream->user;
  notes->trailers += fields->count;
  notes->end = true;
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct notes *notes = stream->user;
  notes->closed++;
  notes->error_code = error_code;
}

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  struct notes *notes = stream->user;
  assert_true(span_is(request->path, "/pushed"));
  notes->promised++;
  promised->events = stream->events;
  promised->user = (struct notes *)stream->user + 1;
}

static const struct stream_events client_events = {.response = on_response,
                                                   .data = on_data,
                                                   .trailers = on_trailers,
                                                   .promise = on_promise,
                                                   .closed = on_closed};

static struct stream *get(struct loopback *loop, const char *method, const char *path,
                          struct body body, struct notes *notes) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text(method)), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  return h2_request(h2_of(&loop->client), fields, 4, body, &client_events, notes);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void fetch(size_t piece_bytes) {
  struct loopback loop;
  struct notes *notes = calloc(2, sizeof *notes);
  loopback_open(&loop, &handler, NULL);
  loop.piece_bytes = piece_bytes;
  assert_non_null(get(&loop, "GET", "/", BODY_NONE, notes));
  loopback_run(&loop);
  assert_int_equal(notes->status, 200);
  assert_int_equal(notes->len, sizeof pattern);
  assert_memory_equal(notes->bytes, pattern, sizeof pattern);
  assert_true(notes->end);
  assert_int_equal(notes->closed, 1);
  assert_int_equal(notes->error_code, 0);
  assert_string_equal(notes->server, "weir");
  assert_string_equal(notes->date, "Sun, 06 Nov 1994 08:49:37 GMT");
  loopback_close(&loop);
  free(notes);
}

static void test_fetch(void **state) {
  (void)state;
  fetch(0);
  fetch(1);
  fetch(7);
}

static void test_echo(void **state) {
  (void)state;
  for (size_t piece = 0; piece < 3; piece++) {
    struct loopback loop;
    struct notes *notes = calloc(2, sizeof *notes);
    struct body_bytes upload;
    loopback_open(&loop, &handler, NULL);
    loop.piece_bytes = piece;
    struct body body = body_bytes(&upload, span_of(pattern, sizeof pattern), NULL, NULL);
    assert_non_null(get(&loop, "POST", "/echo", body, notes));
    loopback_run(&loop);
    assert_int_equal(notes->len, sizeof pattern);
    assert_memory_equal(notes->bytes, pattern, sizeof pattern);
    assert_int_equal(notes->closed, 1);
    loopback_close(&loop);
    free(notes);
  }
}

static void test_many_streams(void **state) {
  (void)state;
  enum { COUNT = 100 };
  struct loopback loop;
  struct notes *notes = calloc(COUNT, sizeof *notes);
  loopback_open(&loop, &handler, NULL);
  loopback_run(&loop);
  for (int i = 0; i < COUNT; i++)
    assert_non_null(get(&loop, i % 3 ? "GET" : "HEAD", "/", BODY_NONE, &notes[i]));
  loopback_run(&loop);
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal(notes[i].closed, 1);
    assert_int_equal(notes[i].error_code, 0);
    assert_int_equal(notes[i].len, i % 3 ? sizeof pattern : 0);
  }
  assert_int_equal(loop.server_engine.http.counters.requests, COUNT);
  loopback_close(&loop);
  free(notes);
}

static void test_small_exchanges(void **state) {
  (void)state;
  struct loopback loop;
  struct notes *notes = calloc(3, sizeof *notes);
  loopback_open(&loop, &handler, NULL);
  loopback_run(&loop);
  assert_non_null(get(&loop, "GET", "/late", BODY_NONE, &notes[0]));
  assert_non_null(get(&loop, "GET", "/hints", BODY_NONE, &notes[1]));
  assert_non_null(get(&loop, "GET", "/trailers", BODY_NONE, &notes[2]));
  loopback_run(&loop);
  assert_int_equal(notes[0].closed, 0);
  assert_int_equal(notes[1].informed, 103);
  assert_int_equal(notes[1].status, 200);
  assert_int_equal(notes[2].trailers, 1);
  assert_int_equal(notes[2].len, 4);
  loopback_advance(&loop, SECOND_NS + 1);
  assert_int_equal(notes[0].status, 204);
  loopback_close(&loop);
  free(notes);
}

static void test_push(void **state) {
  (void)state;
  struct loopback loop;
  struct notes *notes = calloc(2, sizeof *notes);
  loopback_open(&loop, &handler, NULL);
  loopback_run(&loop);
  assert_non_null(get(&loop, "GET", "/push", BODY_NONE, notes));
  loopback_run(&loop);
  assert_int_equal(notes[0].promised, 1);
  assert_int_equal(notes[0].status, 200);
  assert_int_equal(notes[1].status, 200);
  assert_int_equal(notes[1].len, sizeof pattern);
  assert_int_equal(notes[1].closed, 1);
  loopback_close(&loop);
  free(notes);
}

static void test_drain(void **state) {
  (void)state;
  struct loopback loop;
  struct notes *notes = calloc(1, sizeof *notes);
  loopback_open(&loop, &handler, NULL);
  loopback_run(&loop);
  assert_non_null(get(&loop, "GET", "/late", BODY_NONE, notes));
  loopback_run(&loop);
  loop.server.ops->drain(loop.server.self, loop.now_ns);
  loopback_run(&loop);
  loopback_advance(&loop, MILLISECOND_NS); /* the PING was answered: the second GOAWAY is due */
  assert_int_equal(loop.client_engine.h2.counters.goaways_received, 2);
  assert_false(loop.server.ops->wants(loop.server.self) & MACHINE_DONE);
  loopback_advance(&loop, 2 * SECOND_NS);
  assert_int_equal(notes->status, 204);
  assert_int_equal(loop.server.ops->wants(loop.server.self), MACHINE_DONE);
  assert_int_equal(loop.client.ops->wants(loop.client.self), MACHINE_DONE);
  loopback_close(&loop);
  free(notes);
}

static void test_idle(void **state) {
  (void)state;
  struct loopback loop;
  loopback_open(&loop, &handler, NULL);
  loopback_run(&loop);
  loopback_advance(&loop, PEER_IDLE_NS + SECOND_NS);
  assert_int_equal(loop.server.ops->wants(loop.server.self), MACHINE_DONE);
  assert_int_equal(loop.client_engine.h2.counters.goaways_received, 1);
  loopback_close(&loop);
}

int main(void) {
  for (size_t i = 0; i < sizeof pattern; i++)
    pattern[i] = (uint8_t)(i * 2654435761u >> 13);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fetch),        cmocka_unit_test(test_echo),
      cmocka_unit_test(test_many_streams), cmocka_unit_test(test_small_exchanges),
      cmocka_unit_test(test_push),         cmocka_unit_test(test_drain),
      cmocka_unit_test(test_idle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
