/*
 * serve/demo/test_live.c - /events and /poll of the built-in site: with streams that have no protocol,
 * and over HTTP/2 and HTTP/1.1, where clocks must let them be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fake.h"
#include "tests/support/loopback.h"
#include "tools/serve/demo/demo.h"

enum { READERS = 3 };

static struct counted_memory memory;
static struct demo *demo;
static struct http_counters counters;

static int setup(void **state) {
  (void)state;
  demo = demo_create(counted_init(&memory), READERS);
  counters =
      (struct http_counters){.requests = 5, .connections_opened = 3, .connections_closed = 1};
  return demo ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  demo_destroy(demo);
  assert_int_equal(memory.bytes, 0);
  return 0;
}

static void ask(struct fake_stream *fake, const char *path) {
  *fake = (struct fake_stream){0};
  fake_request(fake, demo_handler(demo), "GET", path, NULL, 0, 1000);
}

static void second(void) {
  demo_second(demo, &counters);
}

/* ---- /events --------------------------------------------------------------------------------- */

static void assert_event(struct fake_stream *fake, const char *event) {
  fake->len = 0;
  assert_int_equal(fake_pull(fake, BODY_ROOM_BYTES), BODY_MORE);
  assert_int_equal(fake->len, strlen(event));
  assert_memory_equal(fake->bytes, event, fake->len);
  assert_int_equal(fake_pull(fake, BODY_ROOM_BYTES), BODY_WAIT);
}

#define REST ",\"connections\":2,\"streams\":0,\"bytes_received\":0,\"bytes_sent\":0}\n\n"

static void test_events(void **state) {
  (void)state;
  struct fake_stream fake;
  ask(&fake, "/events");
  assert_int_equal(fake.status, 200);
  assert_string_equal(fake_field(&fake, "content-type"), "text/event-stream");
  assert_string_equal(fake_field(&fake, "cache-control"), "no-store");
  assert_null(fake_field(&fake, "content-length"));
  assert_int_equal(fake_pull(&fake, BODY_ROOM_BYTES), BODY_WAIT);
  second();
  assert_int_equal(fake.resumed, 1);
  assert_event(&fake, "id: 1\ndata: {\"requests\":5" REST);
  counters.requests = 8;
  second();
  assert_event(&fake, "id: 2\ndata: {\"requests\":8" REST);
  fake_free(&fake);
}

/* A reader that comes later gets the last event at once. */
static void test_comes_later(void **state) {
  (void)state;
  struct fake_stream fake;
  second();
  ask(&fake, "/events");
  assert_event(&fake, "id: 1\ndata: {\"requests\":5" REST);
  fake_free(&fake);
}

/* A reader that takes nothing for a while misses events, and nothing is kept for it. An event is whole:
 * one that does not fit waits for room. */
static void test_slow_reader(void **state) {
  (void)state;
  struct fake_stream fake;
  ask(&fake, "/events");
  second();
  size_t bytes = memory.bytes;
  assert_int_equal(fake_pull(&fake, 50), BODY_ROOM);
  assert_int_equal(fake_pull(&fake, 0), BODY_MORE);
  for (unsigned i = 0; i < 1000; i++)
    second();
  assert_int_equal(memory.bytes, bytes);
  assert_event(&fake, "id: 1001\ndata: {\"requests\":5" REST);
  fake_free(&fake);
}

static void test_longest_event(void **state) {
  (void)state;
  struct fake_stream fake;
  memset(&counters, 0xff, sizeof counters);
  counters.connections_closed = counters.streams_closed = 0;
  ask(&fake, "/events");
  second();
  assert_int_equal(fake_pull(&fake, BODY_ROOM_BYTES), BODY_MORE);
  assert_true(fake.len < DEMO_EVENT_BYTES_MAX);
  fake_free(&fake);
}

static void drain(struct fake_stream *fake) {
  fake->stream.events->drain(&fake->stream);
}

/* The connection is to end: both answers do, at once. One that has been given stays as it is. */
static void test_end(void **state) {
  (void)state;
  struct fake_stream events, poll, answered;
  ask(&answered, "/poll");
  second();
  counters.connections_opened++;
  second();
  assert_int_equal(answered.status, 200);
  ask(&events, "/events");
  ask(&poll, "/poll");
  drain(&answered);
  drain(&events);
  drain(&poll);
  assert_int_equal(events.resumed, 1);
  assert_int_equal(fake_pull(&events, BODY_ROOM_BYTES), BODY_END);
  assert_int_equal(poll.status, 204);
  second();
  assert_int_equal(events.resumed, 1);
  fake_free(&answered);
  fake_free(&events);
  fake_free(&poll);
}

/* Readers leave the list in any order. */
static void test_readers_leave(void **state) {
  (void)state;
  struct fake_stream fakes[READERS];
  for (unsigned gone = 0; gone < READERS; gone++) {
    for (unsigned i = 0; i < READERS; i++)
      ask(&fakes[i], i == 1 ? "/poll" : "/events");
    second();
    fake_free(&fakes[gone]);
    second();
    for (unsigned i = 0; i < READERS; i++)
      if (i != gone) fake_free(&fakes[i]);
    second();
  }
}

/* ---- /poll ----------------------------------------------------------------------------------- */

static void test_poll(void **state) {
  (void)state;
  struct fake_stream fake;
  for (unsigned leaves = 0; leaves < 2; leaves++) {
    second();
    ask(&fake, "/poll");
    counters.connections_opened++; /* its own */
    second();
    counters.requests++;
    second();
    assert_int_equal(fake.status, 0);
    (*(leaves ? &counters.connections_closed : &counters.connections_opened))++;
    second();
    assert_int_equal(fake.status, 200);
    assert_int_equal(fake.timer_ns, MACHINE_NO_DEADLINE);
    fake_pull_all(&fake, 100);
    second();
    fake_free(&fake);
  }
}

static void test_poll_over(void **state) {
  (void)state;
  struct fake_stream fake;
  ask(&fake, "/poll");
  assert_int_equal(fake.timer_ns, 1000 + DEMO_POLL_MILLISECONDS * MILLISECOND_NS);
  second();
  fake.stream.events->timer(&fake.stream, fake.timer_ns);
  assert_int_equal(fake.status, 204);
  counters.connections_opened++;
  second(); /* it is not answered again: fake_stream would abort */
  fake_free(&fake);
}

/* ---- with protocols -------------------------------------------------------------------------- */

static struct loopback loop;
static unsigned status, body_bytes_got;

static void on_response(struct stream *stream, unsigned code, const struct headers *fields,
                        bool end) {
  (void)stream, (void)fields, (void)end;
  status = code;
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  (void)stream, (void)end;
  body_bytes_got += (unsigned)bytes.len;
}

static struct stream *ask_h2(const char *path) {
  static const struct stream_events events = {.response = on_response, .data = on_data};
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  status = body_bytes_got = 0;
  return h2_request(h2_of(&loop.client), fields, 4, BODY_NONE, &events, NULL);
}

/* A minute without a byte ends nothing. */
static void test_h2_poll(void **state) {
  (void)state;
  loopback_open(&loop, demo_handler(demo), NULL);
  assert_non_null(ask_h2("/poll"));
  loopback_run(&loop);
  loopback_advance(&loop, DEMO_POLL_MILLISECONDS * MILLISECOND_NS - SECOND_NS);
  assert_int_equal(status, 0);
  loopback_advance(&loop, 2 * SECOND_NS);
  assert_int_equal(status, 204);
  loopback_close(&loop);
}

/* Ten minutes of events, though the connection's idle timeout is one, and the client says nothing but
 * WINDOW_UPDATE. */
static void test_h2_events(void **state) {
  (void)state;
  loopback_open(&loop, demo_handler(demo), NULL);
  assert_non_null(ask_h2("/events"));
  for (unsigned i = 0; i < 600; i++) {
    second();
    unsigned before = body_bytes_got;
    loopback_advance(&loop, SECOND_NS);
    assert_true(body_bytes_got > before);
  }
  assert_int_equal(status, 200);
  loopback_close(&loop);
}

/* One connection of HTTP/1.1, and all that it has answered. */
static struct {
  struct engine engine;
  struct machine machine;
  uint64_t now_ns;
  char text[1 << 17];
  size_t len;
} h1;

static void take_output(void) {
  const struct machine_ops *ops = h1.machine.ops;
  struct span spans[16];
  size_t count, bytes;
  do {
    bytes = 0;
    count = ops->send_peek(h1.machine.self, spans, 16, SIZE_MAX, h1.now_ns);
    for (size_t i = 0; i < count; bytes += spans[i++].len)
      memcpy(h1.text + h1.len + bytes, spans[i].base, spans[i].len);
    if (bytes) ops->send_ack(h1.machine.self, bytes, h1.now_ns);
    h1.len += bytes;
    assert_true(h1.len < sizeof h1.text - 4096);
  } while (bytes);
  h1.text[h1.len] = 0;
}

static void open_h1(const char *request) {
  const struct machine_peer peer = {.application_protocol = "http/1.1"};
  const struct engine_config config = engine_config_default();
  h1.now_ns = SECOND_NS;
  h1.len = 0;
  assert_true(engine_init(&h1.engine, &memory.memory, &config, demo_handler(demo)));
  struct machine_factory factory = conn_factory(&h1.engine);
  assert_true(factory.create(factory.ctx, &peer, NULL, h1.now_ns, &h1.machine));
  h1.machine.ops->recv(h1.machine.self, span_text(request), h1.now_ns);
  take_output();
}

static void h1_second(void) {
  h1.now_ns += SECOND_NS;
  if (h1.machine.ops->deadline_ns(h1.machine.self) <= h1.now_ns)
    h1.machine.ops->tick(h1.machine.self, h1.now_ns);
  take_output();
}

static void close_h1(void) {
  h1.machine.ops->close(h1.machine.self);
  engine_destroy(&h1.engine);
}

static void test_h1_poll(void **state) {
  (void)state;
  open_h1("GET /poll HTTP/1.1\r\nhost: a\r\n\r\n");
  for (unsigned i = 0; i < DEMO_POLL_MILLISECONDS / 1000 - 1; i++)
    h1_second();
  assert_int_equal(h1.len, 0);
  h1_second();
  assert_int_equal(strncmp(h1.text, "HTTP/1.1 204 ", 13), 0);
  close_h1();
}

static void test_h1_events(void **state) {
  (void)state;
  open_h1("GET /events HTTP/1.1\r\nhost: a\r\n\r\n");
  for (unsigned i = 0; i < 600; i++) {
    size_t before = h1.len;
    second();
    h1_second();
    assert_true(h1.len > before);
    assert_int_equal(memcmp(h1.text + h1.len - 4, "\n\n\r\n", 4), 0); /* a chunk of its own */
  }
  assert_non_null(strstr(h1.text, "transfer-encoding: chunked\r\n"));
  h1.machine.ops->drain(h1.machine.self, h1.now_ns);
  h1_second();
  assert_int_equal(memcmp(h1.text + h1.len - 5, "0\r\n\r\n", 5), 0);
  close_h1();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_events),        TEST(test_comes_later), TEST(test_slow_reader),
      TEST(test_longest_event), TEST(test_end),         TEST(test_readers_leave),
      TEST(test_poll),          TEST(test_poll_over),   TEST(test_h2_poll),
      TEST(test_h2_events),     TEST(test_h1_poll),     TEST(test_h1_events),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
