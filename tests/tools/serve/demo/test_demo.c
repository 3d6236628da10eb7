/*
 * serve/demo/test_demo.c - the built-in site, tested with streams that have no protocol.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "tests/support/fake.h"
#include "tools/serve/demo/demo.h"
#include "tools/serve/demo/ws.h"

static size_t memory_out;
static bool memory_refuse;

static void *counted_alloc(void *ctx, size_t bytes) {
  (void)ctx;
  if (memory_refuse) return NULL;
  memory_out += bytes;
  return malloc(bytes);
}

static void counted_free(void *ctx, void *object, size_t bytes) {
  (void)ctx;
  memory_out -= bytes;
  free(object);
}

static const struct memory memory = {.alloc = counted_alloc, .free = counted_free};
static struct demo *demo;

static int setup(void **state) {
  (void)state;
  memory_refuse = false;
  demo = demo_create(&memory, 4);
  return demo ? 0 : -1;
}

/* Finds what a test leaves behind: the pool asserts, the counts are compared. */
static int teardown(void **state) {
  (void)state;
  demo_destroy(demo);
  assert_int_equal(memory_out, 0);
  return 0;
}

static void ask(struct fake_stream *fake, const char *method, const char *path) {
  fake_request(fake, demo_handler(demo), method, path, NULL, 0, 1000);
}

struct row {
  const char *method, *path;
  unsigned status;
  const char *type, *body; /* body NULL: not compared */
};

static const struct row rows[] = {
    {"GET", "/", 200, "text/html; charset=utf-8", NULL},
    {"GET", "/?x", 200, "text/html; charset=utf-8", NULL},
    {"GET", "/plaintext", 200, "text/plain", "Hello, World!"},
    {"GET", "/ws", 200, "text/html; charset=utf-8", NULL},
    {"GET", "/bytes/0", 200, "application/octet-stream", ""},
    {"GET", "/bytes/3", 200, "application/octet-stream", NULL},
    {"GET", "/bytes/", 400, "text/plain; charset=utf-8", NULL},
    {"GET", "/bytes/x", 400, "text/plain; charset=utf-8", NULL},
    {"GET", "/bytes/-1", 400, "text/plain; charset=utf-8", NULL},
    {"GET", "/bytes/1/2", 400, "text/plain; charset=utf-8", NULL},
    {"GET", "/bytes/99999999999999999999999", 400, "text/plain; charset=utf-8", NULL},
    {"GET", "/delay/x", 400, "text/plain; charset=utf-8", NULL},
    {"GET", "/bytes", 404, "text/plain; charset=utf-8", NULL},
    {"GET", "/plaintextx", 404, "text/plain; charset=utf-8", NULL},
    {"GET", "/index.html", 404, "text/plain; charset=utf-8", NULL},
    {"GET", "", 404, "text/plain; charset=utf-8", NULL},
    {"GET", "*", 404, "text/plain; charset=utf-8", NULL},
    {"GET", "/echo", 405, "text/plain; charset=utf-8", NULL},
    {"GET", "/sink", 405, "text/plain; charset=utf-8", NULL},
    {"DELETE", "/plaintext", 405, "text/plain; charset=utf-8", NULL},
    {"CONNECT", "", 501, "text/plain; charset=utf-8", NULL},
    {"OPTIONS", "/nothing", 404, "text/plain; charset=utf-8", NULL},
};

static void answers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (size_t max = 1; max < 100000; max *= 300) {
      struct fake_stream fake = {0};
      ask(&fake, rows[i].method, rows[i].path);
      fake_pull_all(&fake, max);
      if (fake.status != rows[i].status) fail_msg("%s: %u", rows[i].path, fake.status);
      assert_string_equal(fake_field(&fake, "content-type"), rows[i].type);
      char length[24];
      snprintf(length, sizeof length, "%zu", fake.len);
      assert_string_equal(fake_field(&fake, "content-length"), length);
      if (rows[i].body) assert_true(span_is(span_of(fake.bytes, fake.len), rows[i].body));
      fake_free(&fake);
    }
}

static void options(void **state) {
  (void)state;
  static const char *const allowed[][2] = {
      {"*", "GET, HEAD, POST, OPTIONS"},
      {"/plaintext", "GET, HEAD, OPTIONS"},
      {"/echo", "POST, OPTIONS"},
  };
  for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
    struct fake_stream fake = {0};
    ask(&fake, "OPTIONS", allowed[i][0]);
    assert_int_equal(fake.status, 204);
    assert_string_equal(fake_field(&fake, "allow"), allowed[i][1]);
    fake_free(&fake);
  }
}

static void bytes_are_counted_up(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 255, 256, 257, 65536, 65537, 300001};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    for (size_t max = 1000; max <= 200000; max += 99500) {
      char path[40];
      snprintf(path, sizeof path, "/bytes/%zu", sizes[i]);
      struct fake_stream fake = {0};
      ask(&fake, "GET", path);
      fake_pull_all(&fake, max);
      assert_int_equal(fake.len, sizes[i]);
      for (size_t k = 0; k < fake.len; k++)
        if (fake.bytes[k] != (uint8_t)k) fail_msg("byte %zu of %zu", k, sizes[i]);
      fake_free(&fake);
    }
}

/* A body of terabytes costs nothing until it is pulled. */
static void endless_bytes(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  ask(&fake, "GET", "/bytes/9223372036854775807");
  assert_int_equal(fake.status, 200);
  assert_string_equal(fake_field(&fake, "content-length"), "9223372036854775807");
  assert_int_equal(fake_pull(&fake, 16384), BODY_MORE);
  fake_free(&fake);
}

static void a_delay(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  ask(&fake, "GET", "/delay/250");
  assert_int_equal(fake.status, 0);
  assert_int_equal(fake.timer_ns, 1000 + 250 * MILLISECOND_NS);
  fake.stream.events->timer(&fake.stream, fake.timer_ns);
  assert_int_equal(fake.status, 200);
  fake_pull_all(&fake, 100);
  assert_true(span_is(span_of(fake.bytes, fake.len), "waited 250 ms\n"));
  fake_free(&fake);
  ask(&fake, "GET", "/delay/1000"); /* and one that is cancelled */
  fake_free(&fake);
}

static void the_longest_delay(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    struct fake_stream fake = {0};
    char path[32];
    snprintf(path, sizeof path, "/delay/%u", DEMO_DELAY_MILLISECONDS_MAX + extra);
    ask(&fake, "GET", path);
    assert_int_equal(fake.status, extra ? 400 : 0);
    fake_free(&fake);
  }
}

/* ---- /echo ----------------------------------------------------------------------------------- */

static void feed(struct fake_stream *fake, const char *text, bool end) {
  char *copy = malloc(strlen(text) + 1); /* freed when the event has returned */
  memcpy(copy, text, strlen(text));
  fake->stream.events->data(&fake->stream, span_of(copy, strlen(text)), end);
  free(copy);
}

static void echo_comes_back_as_it_goes(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  struct header fields[] = {
      header_of(TOKEN_CONTENT_TYPE, span_text("text/x-test")),
      header_of(TOKEN_CONTENT_LENGTH, span_text("11")),
  };
  fake_request(&fake, demo_handler(demo), "POST", "/echo", fields, 2, 0);
  assert_int_equal(fake.status, 200); /* before a byte of the body */
  assert_string_equal(fake_field(&fake, "content-type"), "text/x-test");
  assert_string_equal(fake_field(&fake, "content-length"), "11");
  assert_true(fake.stream.consume_later);
  assert_int_equal(fake_pull(&fake, 100), BODY_WAIT);
  feed(&fake, "hello", false);
  assert_int_equal(fake.resumed, 1);
  assert_int_equal(fake.consumed, 0); /* not before it is being sent back */
  assert_int_equal(fake_pull(&fake, 3), BODY_MORE);
  assert_int_equal(fake.consumed, 3);
  assert_int_equal(fake_pull(&fake, 3), BODY_MORE);
  assert_int_equal(fake_pull(&fake, 3), BODY_WAIT);
  feed(&fake, " ", false);
  feed(&fake, "world", true);
  fake_pull_all(&fake, 4);
  assert_int_equal(fake.last, BODY_END);
  assert_int_equal(fake.consumed, 11);
  assert_true(span_is(span_of(fake.bytes, fake.len), "hello world"));
  fake_free(&fake);
}

static void sink_counts(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  fake_request(&fake, demo_handler(demo), "POST", "/sink", NULL, 0, 0);
  assert_false(fake.stream.consume_later);
  feed(&fake, "hello", false);
  assert_int_equal(fake.status, 0); /* not before the end */
  feed(&fake, " world", true);
  assert_int_equal(fake.status, 200);
  fake_pull_all(&fake, 100);
  assert_true(span_is(span_of(fake.bytes, fake.len), "11\n"));
  fake_free(&fake);
}

static void sink_that_stopped(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  fake_request(&fake, demo_handler(demo), "POST", "/sink?stopped", NULL, 0, 0);
  assert_true(fake.stream.consume_later);
  feed(&fake, "hello", true);
  assert_int_equal(fake.consumed, 0);
  assert_int_equal(fake.status, 200);
  fake_pull_all(&fake, 100);
  fake_free(&fake);
}

static void echo_of_nothing(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  ask(&fake, "POST", "/echo");
  assert_null(fake_field(&fake, "content-length"));
  assert_int_equal(fake_pull(&fake, 10), BODY_WAIT);
  feed(&fake, "", true);
  fake_pull_all(&fake, 10);
  assert_int_equal(fake.len, 0);
  assert_int_equal(fake.last, BODY_END);
  fake_free(&fake);
}

static void echo_tells_a_waiting_client_to_go_on(void **state) {
  (void)state;
  static const char *const written[] = {"100-continue", "100-Continue", "100-CONTINUE"};
  struct fake_stream fake = {0};
  for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
    struct header expect = header_of(TOKEN_EXPECT, span_text(written[i]));
    fake_request(&fake, demo_handler(demo), "POST", "/echo", &expect, 1, 0);
    assert_string_equal(fake.informed, "100\n");
    fake_free(&fake);
  }
  ask(&fake, "POST", "/echo");
  assert_string_equal(fake.informed, "");
  fake_free(&fake);
}

static void echo_ends_with_trailers(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  struct headers none = {0};
  ask(&fake, "POST", "/echo");
  feed(&fake, "x", false);
  fake.stream.events->trailers(&fake.stream, &none);
  fake_pull_all(&fake, 10);
  assert_true(span_is(span_of(fake.bytes, fake.len), "x"));
  fake_free(&fake);
}

static void echo_given_up(void **state) {
  (void)state;
  for (int order = 0; order < 2; order++) {
    struct fake_stream fake = {0};
    ask(&fake, "POST", "/echo");
    feed(&fake, "some of it", false);
    fake_pull(&fake, 3);
    if (order == 0) fake_close_body(&fake);
    fake_free(&fake);
  }
}

/* An echo keeps little more than the bytes it got, however small the frames, and never more than
 * its bound. */
static void echo_is_bounded(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  ask(&fake, "POST", "/echo");
  size_t before = memory_out;
  const int bytes = 16 * DEMO_PIECE_BYTES_MIN;
  for (int i = 0; i < bytes; i++)
    feed(&fake, "x", false);
  assert_true(memory_out - before < (size_t)bytes + DEMO_PIECE_BYTES_MIN);
  fake_free(&fake);
  static char large[DEMO_ECHO_BYTES_MAX / 16 + 1];
  memset(large, 'y', sizeof large - 1);
  ask(&fake, "POST", "/echo");
  for (int i = 0; i < 16; i++)
    feed(&fake, large, false);
  assert_false(fake.closed);
  feed(&fake, "x", false);
  assert_true(fake.closed);
  fake_free(&fake);
}

/* All WebSockets of a worker hold DEMO_WS_BYTES_MAX at most. */
static void websockets_share_a_bound(void **state) {
  (void)state;
  static struct demo_ws ws;
  demo_ws_init(&ws, &memory);
  void *most = memory_alloc(&ws.memory, DEMO_WS_BYTES_MAX - 10);
  assert_non_null(most);
  assert_null(memory_alloc(&ws.memory, 11));
  void *rest = memory_alloc(&ws.memory, 10);
  assert_non_null(rest);
  memory_free(&ws.memory, most, DEMO_WS_BYTES_MAX - 10);
  memory_free(&ws.memory, rest, 10);
  assert_int_equal(ws.bytes, 0);
}

static void refused_memory(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  ask(&fake, "GET", "/plaintext"); /* now the pool has a chunk */
  fake_free(&fake);
  ask(&fake, "POST", "/echo");
  memory_refuse = true;
  feed(&fake, "x", false);
  assert_true(fake.closed);
  fake_free(&fake);
}

static void too_many_at_once(void **state) {
  (void)state;
  struct fake_stream fakes[5] = {0};
  for (int i = 0; i < 5; i++)
    ask(&fakes[i], "GET", "/delay/100");
  assert_int_equal(fakes[3].status, 0);
  assert_int_equal(fakes[4].status, 503);
  for (int i = 0; i < 5; i++)
    fake_free(&fakes[i]);
}

static void refused_responses(void **state) {
  (void)state;
  static const char *const paths[] = {"/", "/bytes/10", "/nothing", "/bytes/x"};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    struct fake_stream fake = {.refuse = true};
    ask(&fake, "GET", paths[i]);
    fake_free(&fake);
  }
  struct fake_stream fake = {.refuse = true};
  ask(&fake, "POST", "/echo");
  fake_free(&fake);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(answers),
      TEST(options),
      TEST(bytes_are_counted_up),
      TEST(endless_bytes),
      TEST(a_delay),
      TEST(the_longest_delay),
      TEST(sink_counts),
      TEST(sink_that_stopped),
      TEST(echo_of_nothing),
      TEST(echo_comes_back_as_it_goes),
      TEST(echo_tells_a_waiting_client_to_go_on),
      TEST(echo_ends_with_trailers),
      TEST(echo_given_up),
      TEST(echo_is_bounded),
      TEST(refused_memory),
      TEST(websockets_share_a_bound),
      TEST(too_many_at_once),
      TEST(refused_responses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
