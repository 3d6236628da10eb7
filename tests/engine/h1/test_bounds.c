/*
 * h1/test_bounds.c - the bounds on what a peer can make an HTTP/1.x connection hold and do:
 * requests ahead of their turn, heads in pieces, bodies that a handler has not consumed, and small
 * chunks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/talk.h"
#include "tests/support/talk_rows.h"

static struct talk talk;

static void give(const char *text) {
  talk_give(&talk, span_text(text));
}

static void run(const char *script) {
  talk_run(&talk, script, 0, strlen(script));
}

static struct h1 *connection(void) {
  return talk.machine.self;
}

/* H1_AHEAD_MAX requests are handled before the first is answered; then input waits. */
static void test_ahead(void **state) {
  (void)state;
  talk_begin(&talk, NULL);
  for (unsigned i = 1; i <= H1_AHEAD_MAX; i++) {
    assert_true(talk_wants(&talk) & MACHINE_RECV);
    give(GET("/hold"));
    assert_int_equal(talk.app_count, i);
  }
  assert_false(talk_wants(&talk) & MACHINE_RECV);
  assert_int_equal(talk.engine.h1.counters.ahead, H1_AHEAD_MAX - 1);
  run(DO("respond 2 204"));
  assert_false(talk_wants(&talk) & MACHINE_RECV); /* the first is still there */
  run(DO("respond 1 204"));
  assert_true(talk_wants(&talk) & MACHINE_RECV);
  talk_end(&talk);
}

/* A server may allow fewer. */
static void test_fewer_ahead(void **state) {
  struct engine_config config = engine_config_default();
  (void)state;
  config.h1.concurrent_streams = 2;
  talk_begin(&talk, &config);
  for (unsigned i = 1; i <= 2; i++)
    give(GET("/hold"));
  assert_false(talk_wants(&talk) & MACHINE_RECV);
  run(DO("respond 1 204"));
  assert_true(talk_wants(&talk) & MACHINE_RECV);
  talk_end(&talk);
}

/* A burst of requests that are answered at once needs one stream, up to H1_EAGER_BYTES of answers. */
static void test_eager(void **state) {
  (void)state;
  char burst[64 * 64] = "";
  talk_begin(&talk, NULL);
  talk.mute = true;
  for (int i = 0; i < 64; i++)
    strcat(burst, GET("/"));
  give(burst);
  assert_int_equal(talk.app_count, 64);
  assert_int_equal(talk.engine.h1.streams.peak, 1);
  give(GET("/bytes/100000"));
  assert_int_equal(connection()->queued, 1);
  assert_in_range(connection()->out.bytes, H1_EAGER_BYTES, 2 * H1_EAGER_BYTES);
  talk.mute = false;
  talk_pump(&talk);
  assert_int_equal(connection()->queued, 0);
  talk_end(&talk);
}

/* A head larger than H1_GATHER_BYTES, in pieces; a small one gives its memory back to the pool. */
static void test_gathered(void **state) {
  (void)state;
  static char value[3 * H1_GATHER_BYTES];
  memset(value, 'v', sizeof value - 1);
  talk_begin(&talk, NULL);
  give("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  assert_int_equal(talk.engine.h1.gathers.taken, 1);
  for (size_t at = 0; at < sizeof value - 1; at += 1000) {
    size_t left = sizeof value - 1 - at;
    talk_give(&talk, span_of(value + at, left < 1000 ? left : 1000));
  }
  assert_int_equal(talk.engine.h1.gathers.taken, 0); /* it has outgrown the pool */
  give("\r\n\r\n" GET("/"));
  assert_string_equal(talk.wire.text, OK OK);
  talk_end(&talk);
}

/* Heads of ours beyond H1_TEXT_BYTES, up to PEER_SEND_BLOCK_BYTES_MAX; a larger one gets 500. */
static void test_texts(void **state) {
  (void)state;
  const size_t sizes[] = {H1_TEXT_BYTES, PEER_SEND_BLOCK_BYTES_MAX - 1000,
                          PEER_SEND_BLOCK_BYTES_MAX};
  static char value[PEER_SEND_BLOCK_BYTES_MAX];
  memset(value, 'v', sizeof value);
  for (size_t i = 0; i < 3; i++) {
    talk_begin(&talk, NULL);
    give(GET("/hold"));
    struct header field = {.name = span_text("x"), .value = span_of(value, sizes[i])};
    bool sent = stream_respond(talk.apps[0].stream, 200, &field, 1, BODY_NONE);
    assert_int_equal(sent, i < 2);
    talk_pump(&talk);
    assert_non_null(strstr(talk.wire.text, sent ? " 200 OK" : " 500 Internal"));
    assert_int_equal(talk.wire.len > sizes[i], sent);
    talk_end(&talk);
  }
}

/* A control character in a field would end the head: it is the handler's mistake, and 500. The handler's body
 * must not follow that. */
static void test_splitting(void **state) {
  (void)state;
  const char *const values[] = {"a\r\nset-cookie: b", "a\nb", "a\rb"};
  for (size_t i = 0; i < 3; i++) {
    talk_begin(&talk, NULL);
    give(GET("/hold"));
    struct header field = {.name = span_text("x"), .value = span_text(values[i])};
    struct body_bytes room;
    struct body body = body_bytes(&room, span_text("HTTP/1.1 200 OK"), NULL, NULL);
    assert_false(stream_respond(talk.apps[0].stream, 200, &field, 1, body));
    talk_pump(&talk);
    assert_string_equal(talk.wire.text,
                        ERROR("500 Internal Server Error", "56",
                              "500 Internal Server Error\nThe answer could not be made."));
    assert_int_equal(talk.mistakes, 1);
    talk_end(&talk);
  }
}

/* The same for the answer that would make a tunnel: there is none then. */
static void test_splitting_a_tunnel(void **state) {
  (void)state;
  talk_begin(&talk, NULL);
  give("GET /hold HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nfirst");
  const struct header field = {.name = span_text("x"), .value = span_text("a\r\nb: c")};
  struct body_bytes room;
  struct body body = body_bytes(&room, span_text("bytes"), NULL, NULL);
  assert_false(stream_tunnel(talk.apps[0].stream, &field, 1, body));
  talk_pump(&talk);
  give("second");
  assert_string_equal(talk.wire.text,
                      ERROR("500 Internal Server Error", "56",
                            "500 Internal Server Error\nThe answer could not be made."));
  assert_string_equal(talk.heard.text, "GET /hold for chat, closed 1 2");
  talk_end(&talk);
}

/* A handler that consumes later holds a window at most. */
static void test_window(void **state) {
  (void)state;
  struct engine_config config = engine_config_default();
  config.h1.window_bytes = 10;
  talk_begin(&talk, &config);
  run(POST("/up", "Content-Length: 30\r\n") DO("later 1") "0123456789");
  assert_false(talk_wants(&talk) & MACHINE_RECV);
  run(DO("consume 1 4"));
  assert_true(talk_wants(&talk) & MACHINE_RECV);
  give("abcdefgh"); /* of which 4 are taken */
  assert_false(talk_wants(&talk) & MACHINE_RECV);
  assert_string_equal(talk.heard.text, "POST /up +, data 1 14");
  run(DO("consume 1 99"));
  assert_int_equal(talk.mistakes, 1);
  talk_end(&talk);
}

/* A cap bounds what comes in chunks, and lets their end through. */
static void test_cap(void **state) {
  (void)state;
  talk_begin(&talk, NULL);
  run(POST("/up", "Transfer-Encoding: chunked\r\n") DO("cap 1 4") "4\r\nabcd\r\n0\r\n\r\n");
  run(DO("respond 1 204") GET("/"));
  assert_string_equal(talk.heard.text, "POST /up +, data 1 4 end, closed 1 0, GET /, closed 2 0");
  talk_end(&talk);
}

/* Windows of all uploads come out of one budget. */
static void test_upload_budget(void **state) {
  (void)state;
  struct engine_config config = engine_config_default();
  config.h1.window_budget_bytes = config.h1.window_bytes - 1;
  talk_begin(&talk, &config);
  give(POST("/up", "Content-Length: 30\r\n"));
  assert_string_equal(talk.heard.text, "");
  assert_non_null(strstr(talk.wire.text, "HTTP/1.1 503 "));
  talk_end(&talk);
}

/* H1_CHUNK_SMALL_BURST chunks of less than H1_CHUNK_SMALL_BYTES, and H1_CHUNK_SMALL_PER_SECOND again each
 * second; larger ones cost nothing. */
static void test_small_chunks(void **state) {
  (void)state;
  char large[H1_CHUNK_SMALL_BYTES + 20];
  int len = snprintf(large, sizeof large, "%x\r\n%0*d\r\n", H1_CHUNK_SMALL_BYTES,
                     (int)H1_CHUNK_SMALL_BYTES, 0);
  talk_begin(&talk, NULL);
  give(POST("/up", "Transfer-Encoding: chunked\r\n"));
  for (unsigned i = 0; i < H1_CHUNK_SMALL_BURST; i++)
    give("1\r\nx\r\n");
  run(DO("tick 1000"));
  for (unsigned i = 0; i < H1_CHUNK_SMALL_PER_SECOND; i++)
    give("1\r\nx\r\n");
  for (unsigned i = 0; i < 100; i++)
    talk_give(&talk, span_of(large, (size_t)len));
  assert_int_equal(talk.wire.len, 0);
  give("1\r\nx\r\n");
  assert_non_null(strstr(talk.wire.text, "HTTP/1.1 400 "));
  assert_int_equal(talk.engine.h1.counters.calmed_chunks, 1);
  assert_int_equal(talk.engine.h1.counters.charged_chunks,
                   H1_CHUNK_SMALL_BURST + H1_CHUNK_SMALL_PER_SECOND + 1);
  assert_true(talk_wants(&talk) & MACHINE_DONE);
  talk_end(&talk);
}

/* Whether the host may close without waiting for the client's end: only a client that has said so itself has nothing more to
 * say. */
static void test_silent(void **state) {
  static const struct {
    const char *name, *script;
    bool silent;
  } rows[] = {
      {"the last request", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true},
      {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", true},
      {"the last of two",
       "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
       true},
      {"and more", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n\r\n", false},
      {"with a body",
       "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx" DO(
           "respond 1 204"),
       false},
      {"the server ends", DO("drain") "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false},
      {"a mistake", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false},
      {"another protocol",
       "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: chat\r\n\r\n" DO(
           "respond 1 200 0"),
       false},
      {"a tunnel", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    talk_begin(&talk, NULL);
    run(rows[i].script);
    unsigned wants = talk_wants(&talk);
    if (wants & MACHINE_DONE ? !!(wants & MACHINE_SILENT) != rows[i].silent : rows[i].silent)
      fail_msg("%s: wants %u", rows[i].name, wants);
    talk_end(&talk);
  }
}

/* A request that goes on after its answer is read for H1_LINGER_BYTES. */
static void test_linger(void **state) {
  (void)state;
  static char chunk[65536 + 9];
  memset(chunk, 'x', sizeof chunk);
  memcpy(chunk, "10000\r\n", 7);
  memcpy(chunk + 7 + 65536, "\r\n", 2);
  talk_begin(&talk, NULL);
  run(POST("/up", "Transfer-Encoding: chunked\r\n") DO("respond 1 204"));
  unsigned chunks = 0;
  for (; talk_wants(&talk) & MACHINE_RECV; chunks++)
    talk_give(&talk, span_of(chunk, sizeof chunk));
  assert_int_equal(chunks, H1_LINGER_BYTES / 65536 + 1);
  assert_int_equal(talk.engine.h1.counters.hushed, 1);
  talk_end(&talk);
}

static enum body_result fill(void *self, struct body_chunk *chunk) {
  (void)self;
  memset(chunk->room, 'x', chunk->max);
  chunk->bytes = span_of(chunk->room, chunk->max);
  return BODY_MORE;
}

/* However large the output may be (h1_config.out_bytes), the size of a chunk has four digits. */
static void test_large_output(void **state) {
  (void)state;
  static const struct body_ops endless = {.pull = fill};
  struct engine_config config = engine_config_default();
  config.h1.out_bytes = 200 * KIB;
  talk_begin(&talk, &config);
  give(GET("/hold"));
  talk.mute = true;
  assert_true(stream_respond(talk.apps[0].stream, 200, NULL, 0, (struct body){&endless, NULL}));
  struct span spans[8];
  const struct machine_ops *ops = talk.machine.ops;
  assert_int_equal(ops->send_peek(talk.machine.self, spans, 8, SIZE_MAX, talk.now_ns), 1);
  assert_in_range(spans[0].len, 200 * KIB - 100, 200 * KIB);
  const char *at = memmem(spans[0].base, spans[0].len, "\r\n\r\n", 4);
  assert_non_null(at);
  at += 4;
  assert_memory_equal(at, "ffff\r\nx", 7);
  assert_memory_equal(at + 6 + 0xffff, "\r\nffff\r\nx", 9);
  talk_end(&talk);
}

/* Whichever allocation is refused, nothing leaks and nothing hangs. */
static void test_no_memory(void **state) {
  (void)state;
  static const char script[] = GET("/") GET("/chunked") GET("/bytes/9000")
      POST("/up", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n0\r\nX: 1\r\n\r\n";
  for (uint64_t n = 1;; n++) {
    talk_begin(&talk, NULL);
    talk.memory.refuse_at = talk.memory.calls + n;
    uint64_t before = talk.memory.calls;
    talk_run(&talk, script, 0, 1);
    bool complete = talk.memory.calls - before < n;
    if (!complete) assert_true(talk_wants(&talk));
    talk_end(&talk);
    if (complete) break;
    assert_true(n < 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ahead),
      cmocka_unit_test(test_fewer_ahead),
      cmocka_unit_test(test_eager),
      cmocka_unit_test(test_gathered),
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_splitting),
      cmocka_unit_test(test_splitting_a_tunnel),
      cmocka_unit_test(test_window),
      cmocka_unit_test(test_cap),
      cmocka_unit_test(test_upload_budget),
      cmocka_unit_test(test_small_chunks),
      cmocka_unit_test(test_silent),
      cmocka_unit_test(test_linger),
      cmocka_unit_test(test_large_output),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
