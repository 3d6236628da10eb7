/*
 * client/test_h2c.c - HTTP/2 by Upgrade: h2c: a client's connection to a server of this engine, with bytes that travel
 * in pieces of any size; and servers that stay with HTTP/1.1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/text.h"
#include "engine/conn.h"
#include "engine/h2/h2.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/pipe.h"
#include "tools/client/h2.h"
#include "tools/client/h2c.h"

enum { REQUESTS = 3 };

static const struct machine_peer peer = {.application_protocol = ""};
static const char host_name[] = "example.org:81", target[] = "/a?b";
static uint64_t now_ns;

/* ---- the client ------------------------------------------------------------------------------ */

static struct {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  struct machine_host host;
  struct client_server server;
  struct client_connection connection;
  char reason[CLIENT_REASON_BYTES];
  bool ready, ended;
  enum h2_end_reason end;
  unsigned responses;
} it;

static void on_blamed(struct client_connection *connection, const char *reason) {
  (void)connection;
  snprintf(it.reason, sizeof it.reason, "%s", reason);
}

static void on_settings(void *ctx, struct h2 *h2) {
  (void)ctx;
  (void)h2;
  it.ready = true;
}

static void on_ended(void *ctx, struct h2 *h2, const struct h2_end *end) {
  (void)ctx;
  (void)h2;
  it.ended = true;
  it.end = end->reason;
}

static void wake(struct machine_host *host) {
  (void)host;
}

static void client_begin(void) {
  static const struct client_ops ops = {.blamed = on_blamed};
  static const struct h2_client_events events = {.settings = on_settings, .ended = on_ended};
  struct engine_config config = engine_config_default();
  memset(&it, 0, sizeof it);
  now_ns = SECOND_NS;
  config.clock_ns = &now_ns;
  config.h2.stream_window_bytes = 5000;
  it.host.wake = wake;
  it.server.authority = host_name;
  assert_true(engine_init(&it.engine, counted_init(&it.memory), &config, NULL));
  client_connection_init(&it.connection, &it.server, NULL, &ops);
  assert_non_null(client_h2_create(&it.connection, &it.engine, &events, NULL, &peer, &it.host,
                                   now_ns, &it.machine));
  assert_true(client_h2c_around(&it.connection, &it.engine, target, &it.machine));
}

static void client_end(void) {
  it.machine.ops->close(it.machine.self);
  engine_destroy(&it.engine);
  assert_int_equal(it.memory.bytes, 0);
}

/* ---- a server that switches ------------------------------------------------------------------ */

static struct {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  struct machine_host host;
  unsigned requests;
} there;

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t time_ns) {
  (void)ctx;
  (void)time_ns;
  bool first = there.requests++ == 0;
  assert_true(span_is(request->method, first ? "HEAD" : "GET"));
  assert_true(span_is(request->path, first ? target : "/"));
  assert_true(span_is(request->authority, first ? host_name : "a"));
  assert_int_equal(stream->id, 2 * there.requests - 1);
  assert_true(stream_respond(stream, 200, NULL, 0, BODY_NONE));
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  (void)stream;
  (void)fields;
  assert_true(end);
  assert_int_equal(status, 200);
  it.responses++;
}

static void ask(void) {
  static const struct stream_events events = {.response = on_response};
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("http")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/"))};
  const struct wrap *h2c = it.machine.self;
  for (unsigned i = 0; i < REQUESTS; i++)
    assert_non_null(h2_request(h2_of(&h2c->inner), fields, 4, BODY_NONE, &events, NULL));
}

static void talk(size_t cut) {
  static const struct handler handler = {.request = serve};
  struct engine_config config = engine_config_default();
  struct pipe up = {0}, down = {0};
  bool asked = false;
  client_begin();
  memset(&there, 0, sizeof there);
  config.clock_ns = &now_ns;
  there.host.wake = wake;
  assert_true(engine_init(&there.engine, counted_init(&there.memory), &config, &handler));
  struct machine_factory factory = conn_factory(&there.engine);
  assert_true(factory.create(factory.ctx, &peer, &there.host, now_ns, &there.machine));
  for (bool moved = true; moved;) {
    moved = pipe_step(&up, &it.machine, &there.machine, cut, 65536, now_ns);
    moved |= pipe_step(&down, &there.machine, &it.machine, cut, 65536, now_ns);
    if (!it.ready || asked) continue;
    asked = moved = true;
    ask();
  }
  assert_int_equal(it.responses, REQUESTS);
  assert_int_equal(there.requests, 1 + REQUESTS);
  assert_string_equal(it.reason, "");
  assert_false(it.ended);
  there.machine.ops->close(there.machine.self);
  engine_destroy(&there.engine);
  assert_int_equal(there.memory.bytes, 0);
  client_end();
  free(up.base);
  free(down.base);
}

/* The HEAD request is stream 1, and its response is nobody's. */
static void test_switched(void **state) {
  (void)state;
  static const size_t cuts[] = {65536, 1000, 7, 1};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
    talk(cuts[i]);
}

/* ---- servers that do not --------------------------------------------------------------------- */

static void receive(const char *bytes, size_t len, size_t cut) {
  for (size_t at = 0; at < len; at += cut) {
    size_t some = len - at < cut ? len - at : cut;
    assert_int_equal(it.machine.ops->recv(it.machine.self, span_of(bytes + at, some), now_ns),
                     some);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *answer, *reason;
  } rows[] = {
#define STAYS "the server stays with HTTP/1.1: its answer to Upgrade: h2c has status "
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", STAYS "200"},
      {"HTTP/1.0 404 Not Found\r\n\r\n", STAYS "404"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\na: b\r\n\r\nHTTP/1.1 426 No\r\n\r\n",
       STAYS "426"},
      {"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n", STAYS "101"},
      {"HTTP/1.1 101 Yes\r\n\r\n", STAYS "101"},
      {"SSH-2.0-x\r\n\r\n", "the server's answer to Upgrade: h2c is not valid: "}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (size_t cut = 1; cut <= 1000; cut *= 10) {
      client_begin();
      receive(rows[i].answer, strlen(rows[i].answer), cut);
      assert_memory_equal(it.reason, rows[i].reason, strlen(rows[i].reason));
      assert_true(it.ended && (it.end == H2_END_HTTP1 || it.end == H2_END_BROKEN));
      assert_int_equal(it.machine.ops->wants(it.machine.self), MACHINE_RESET);
      client_end();
    }
  }
}

/* One byte less than the longest head is waited for. */
static void test_endless(void **state) {
  (void)state;
  static char answer[CLIENT_UPGRADE_ANSWER_BYTES];
  memset(answer, 'a', sizeof answer);
  memcpy(answer, "HTTP/1.1 200 ", 13);
  client_begin();
  receive(answer, sizeof answer - 1, 1000);
  assert_string_equal(it.reason, "");
  assert_true(it.machine.ops->wants(it.machine.self) & MACHINE_RECV);
  receive("a", 1, 1);
  assert_string_equal(it.reason,
                      "the server's answer to Upgrade: h2c is not valid: it is too long");
  assert_int_equal(it.machine.ops->wants(it.machine.self), MACHINE_RESET);
  client_end();
}

/* A server that is asked to stop, or that says nothing, is not waited for. */
static void test_ends_before_the_answer(void **state) {
  (void)state;
  client_begin();
  assert_int_equal(it.machine.ops->wants(it.machine.self), MACHINE_RECV | MACHINE_SEND);
  it.machine.ops->drain(it.machine.self, now_ns);
  assert_int_equal(it.machine.ops->wants(it.machine.self), MACHINE_RESET);
  client_end();
  client_begin();
  while (it.machine.ops->deadline_ns(it.machine.self) != MACHINE_NO_DEADLINE && !it.ended) {
    now_ns = it.machine.ops->deadline_ns(it.machine.self);
    it.machine.ops->tick(it.machine.self, now_ns);
  }
  assert_true(it.ended);
  assert_int_equal(it.machine.ops->wants(it.machine.self), MACHINE_RESET);
  client_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_switched),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_endless),
      cmocka_unit_test(test_ends_before_the_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
