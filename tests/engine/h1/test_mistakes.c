/*
 * h1/test_mistakes.c - mistakes of handlers over HTTP/1.1: each is refused and told, in the words of
 * http/contract.h, and the client gets 500 or a response that is cut.
 */
#include <string.h>

#include "engine/engine.h"
#include "engine/h1/h1.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

static struct {
  const char *told;
  unsigned mistakes, closed;
  char wire[4096];
} seen;

/* ---- bodies that break their contract -------------------------------------------------------- */

static uint8_t own[1 << 17];

static enum body_result too_much(void *self, struct body_chunk *chunk) {
  (void)self;
  chunk->bytes = span_of(own, chunk->max + 1);
  return BODY_MORE;
}

static enum body_result nothing(void *self, struct body_chunk *chunk) {
  (void)self, (void)chunk;
  return BODY_MORE;
}

static enum body_result inside(void *self, struct body_chunk *chunk) {
  (void)self;
  chunk->bytes = span_of(chunk->room + 1, 1);
  return BODY_END;
}

static enum body_result no_result(void *self, struct body_chunk *chunk) {
  (void)self, (void)chunk;
  return (enum body_result)99;
}

static enum body_result always_room(void *self, struct body_chunk *chunk) {
  (void)self, (void)chunk;
  return BODY_ROOM;
}

/* What it returns after that does not matter. */
static enum body_result resets(void *self, struct body_chunk *chunk) {
  stream_reset(self, 0);
  (void)chunk;
  return (enum body_result)99;
}

static void on_close(void *self) {
  (void)self;
  seen.closed++;
}

/* ---- the handler ----------------------------------------------------------------------------- */

static const struct body_ops bodies[] = {
    {too_much, on_close},  {nothing, on_close},     {inside, on_close},
    {no_result, on_close}, {always_room, on_close}, {resets, on_close},
};
static const struct body_ops without_pull = {.close = on_close};
static struct header_set answers;

/* The path's second character is the number of a body, or names another mistake. */
static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  const char which = (char)request->path.base[1];
  (void)ctx, (void)now_ns;
  switch (which) {
  case 'f': assert_false(stream_respond(stream, 200, NULL, 1, BODY_NONE)); break;
  case 's': assert_false(stream_respond_set(stream, 200, NULL, BODY_NONE)); break;
  case 'i': assert_false(stream_inform(stream, 100, NULL, 1)); break;
  case 'r':
  case 'a':
    assert_true(stream_respond_set(stream, 200, &answers, BODY_NONE));
    if (which == 'r') stream_reset(stream, 0);
    return;
  case 'p':
    assert_false(stream_respond(stream, 200, NULL, 0, (struct body){&without_pull, NULL}));
    break;
  default:
    assert_true(stream_respond(stream, 200, NULL, 0, (struct body){&bodies[which - '0'], stream}));
    return;
  }
  assert_true(stream_respond(stream, 204, NULL, 0, BODY_NONE)); /* a refused call changes nothing */
}

static void on_mistake(void *ctx, struct stream *stream, const char *what) {
  (void)ctx, (void)stream;
  seen.told = what;
  seen.mistakes++;
}

/* ---- one request ----------------------------------------------------------------------------- */

static void take_all(struct machine *machine) {
  struct span spans[8];
  size_t count, bytes;
  do {
    count = machine->ops->send_peek(machine->self, spans, 8, 1 << 16, 0);
    bytes = 0;
    for (size_t i = 0; i < count; i++) {
      size_t len = strlen(seen.wire), most = sizeof seen.wire - 1 - len;
      memcpy(seen.wire + len, spans[i].base, spans[i].len < most ? spans[i].len : most);
      bytes += spans[i].len;
    }
    if (bytes) machine->ops->send_ack(machine->self, bytes, 0);
  } while (bytes);
}

static void run(const char *request) {
  const struct handler handler = {.request = serve, .mistake = on_mistake};
  const struct engine_config config = engine_config_default();
  const struct machine_peer peer = {.application_protocol = ""};
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  memset(&seen, 0, sizeof seen);
  assert_true(engine_init(&engine, counted_init(&memory), &config, &handler));
  assert_true(h1_server(&engine.h1, &peer, NULL, 0, &machine));
  machine.ops->recv(machine.self, span_text(request), 0);
  take_all(&machine);
  machine.ops->close(machine.self);
  engine_destroy(&engine);
  assert_int_equal(memory.count, 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_bodies(void **state) {
  static const struct {
    const char *request, *told;
  } rows[] = {
      {"GET /0 HTTP/1.1\r\nHost: a\r\n\r\n", "a body gave more bytes than there was room for"},
      {"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", "a body said BODY_MORE and gave no bytes"},
      {"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
       "a body gave bytes that are neither its own nor at the beginning of the room"},
      {"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n", "a body gave a result that is no body_result"},
      {"GET /4 HTTP/1.1\r\nHost: a\r\n\r\n", "a body said BODY_ROOM to BODY_ROOM_BYTES"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    run(rows[i].request);
    assert_string_equal(seen.told, rows[i].told);
    assert_int_equal(seen.mistakes, 1);
    assert_int_equal(seen.closed, 1);
    assert_null(strstr(seen.wire, "\r\n0\r\n")); /* no end of the response is made up */
  }
  run("GET /5 HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_int_equal(seen.mistakes, 0);
  assert_int_equal(seen.closed, 1);
}

static void test_arguments(void **state) {
  static const struct {
    const char *request, *told;
    unsigned closed;
  } rows[] = {
      {"GET /f HTTP/1.1\r\nHost: a\r\n\r\n", "fields that are given by their count alone", 0},
      {"GET /s HTTP/1.1\r\nHost: a\r\n\r\n", "fields that are given by their count alone", 0},
      {"GET /i HTTP/1.1\r\nHost: a\r\n\r\n", "fields that are given by their count alone", 0},
      {"GET /p HTTP/1.1\r\nHost: a\r\n\r\n", "a body without pull()", 1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    run(rows[i].request);
    assert_string_equal(seen.told, rows[i].told);
    assert_int_equal(seen.mistakes, 1);
    assert_int_equal(seen.closed, rows[i].closed);
    assert_non_null(strstr(seen.wire, "HTTP/1.1 204 "));
  }
}

/* Nothing leaves of an answer that its handler takes back at once, whether its text was ready or not. */
static void test_taken_back(void **state) {
  static struct header field;
  static const char *const requests[] = {
      "GET /r HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /r HTTP/1.1\r\nHost: a\r\n\r\n"};
  (void)state;
  for (unsigned answered = 0; answered < 2; answered++) {
    field = header_of(TOKEN_SERVER, span_text("test"));
    answers = (struct header_set){.at = &field, .count = 1};
    run(requests[answered]);
    const char *first = strstr(seen.wire, "HTTP/1.1 200 ");
    assert_int_equal(first != NULL, answered);
    assert_null(first ? strstr(first + 1, "HTTP/1.1 200 ") : NULL);
    assert_int_equal(strlen(seen.wire) > 0, answered);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bodies),
      cmocka_unit_test(test_arguments),
      cmocka_unit_test(test_taken_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
