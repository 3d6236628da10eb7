/*
 * ws/test_carriers.c - a client's end and a server's, on engines that speak HTTP/1.1 and HTTP/2 to each other,
 * with bytes that travel in pieces of any size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/h1/ask.h"
#include "engine/h1/h1.h"
#include "engine/h2/h2.h"
#include "engine/h2/request.h"
#include "engine/ws/client.h"
#include "engine/ws/limits.h"
#include "engine/ws/ws.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/pipe.h"

enum { MESSAGES = 7 };

static const size_t sizes[MESSAGES] = {0, 1, 125, 126, 5000, 65536, 200000};

/* One side. */
struct side {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  struct machine_host host;
  struct ws_settings settings;
  unsigned received;
  unsigned code; /* of closed(); 0 before */
};

static struct side client, server;
static uint8_t letters[200000];
static uint64_t now_ns;

static void wake(struct machine_host *host) {
  (void)host;
}

/* ---- the conversation ------------------------------------------------------------------------ */

static void send_next(struct ws *ws) {
  bool sent = client.received < MESSAGES;
  if (sent) sent = ws_send(ws, WS_TEXT, span_of(letters, sizes[client.received]));
  if (!sent) ws_close(ws, 4000, span_text("all are back"));
}

static void client_message(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  assert_true(end && kind == WS_TEXT);
  assert_int_equal(bytes.len, sizes[client.received]);
  assert_true(bytes.len == 0 || memcmp(bytes.base, letters, bytes.len) == 0);
  client.received++;
  send_next(ws);
}

static void server_message(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  assert_true(end);
  server.received++;
  assert_true(ws_send(ws, kind, bytes));
}

static void on_closed(struct ws *ws, unsigned code, struct span reason) {
  struct side *side = ws_user(ws);
  side->code = code;
  assert_true(span_is(reason, side == &server && code == 4000 ? "all are back" : ""));
}

static const struct ws_events client_events = {
    .open = send_next, .message = client_message, .closed = on_closed};
static const struct ws_events server_events = {.message = server_message, .closed = on_closed};

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t time_ns) {
  (void)ctx;
  (void)time_ns;
  assert_true(span_is(request->protocol, "websocket"));
  assert_non_null(ws_accept(stream, request, &server.settings, &server));
}

static const char *const protocols[] = {"websocket", NULL};
static const struct handler handler = {.request = serve, .protocols = protocols};

/* ---- two engines ----------------------------------------------------------------------------- */

static uint32_t random_bits(void *ctx) {
  static uint32_t seed;
  (void)ctx;
  return seed = seed * 1664525 + 1013904223;
}

static void side_begin(struct side *side, bool deflate, const struct ws_events *events) {
  struct engine_config config = engine_config_default();
  memset(side, 0, sizeof *side);
  side->settings = (struct ws_settings){.memory = counted_init(&side->memory),
                                        .events = events,
                                        .deflate = deflate,
                                        .random = random_bits};
  side->host.wake = wake;
  config.clock_ns = &now_ns;
  assert_true(engine_init(&side->engine, &side->memory.memory, &config, &handler));
}

static void connect_sides(bool http1) {
  struct machine_peer peer = {.application_protocol = http1 ? "http/1.1" : "h2", .secure = true};
  if (http1) {
    assert_true(h1_client(&client.engine.h1, &peer, &client.host, now_ns, &client.machine));
    assert_true(h1_server(&server.engine.h1, &peer, &server.host, now_ns, &server.machine));
  } else {
    assert_true(h2_client(&client.engine.h2, &peer, &client.host, now_ns, &client.machine));
    assert_true(h2_server(&server.engine.h2, &peer, &server.host, now_ns, &server.machine));
  }
}

static void ask(bool http1) {
  struct ws_client request;
  struct header fields[5 + WS_CLIENT_FIELDS] = {
      header_of(TOKEN_METHOD, span_text("CONNECT")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/")),
      header_of(TOKEN_PROTOCOL, span_text("websocket"))};
  assert_true(ws_client(&request, &client.settings, http1, &client));
  for (size_t i = 0; i < request.field_count; i++)
    fields[5 + i] = request.fields[i];
  size_t count = 5 + request.field_count;
  struct stream *stream = http1 ? h1_request(h1_of(&client.machine), fields, count, request.body,
                                             request.events, request.ws)
                                : h2_request(h2_of(&client.machine), fields, count, request.body,
                                             request.events, request.ws);
  assert_non_null(stream);
  ws_client_sent(&request, stream);
}

static bool has_ended(const struct side *side) {
  return side->machine.ops->wants(side->machine.self) & (MACHINE_DONE | MACHINE_ENDED);
}

/* What a host does when a machine's direction has ended: the other one reads the end. */
static void hang_up(struct side *from, struct side *to, bool *told) {
  if (*told || !has_ended(from)) return;
  *told = true;
  to->machine.ops->recv_eof(to->machine.self, now_ns);
}

/* The server is told to end once it has had `drain_at` messages; 0: never. */
static void talk(bool http1, bool deflate, size_t cut, unsigned drain_at) {
  struct pipe up = {0}, down = {0};
  bool asked = http1, client_gone = false, server_gone = false, drained = drain_at == 0;
  unsigned code = drain_at ? WS_GOING_AWAY : 4000;
  now_ns = SECOND_NS;
  side_begin(&client, deflate, &client_events);
  side_begin(&server, deflate, &server_events);
  connect_sides(http1);
  if (http1) ask(true);
  for (unsigned rounds = 0; !(client.code && server.code); rounds++) {
    assert_true(rounds < 3000000);
    bool moved = pipe_step(&up, &client.machine, &server.machine, cut, 65536, now_ns);
    moved |= pipe_step(&down, &server.machine, &client.machine, cut, 65536, now_ns);
    if (!asked && h2_of(&client.machine)->theirs.enable_connect_protocol) {
      asked = true;
      ask(false);
    }
    if (up.begin == up.end) hang_up(&client, &server, &client_gone);
    if (down.begin == down.end) hang_up(&server, &client, &server_gone);
    if (!drained && server.received == drain_at) {
      drained = true;
      server.machine.ops->drain(server.machine.self, now_ns);
    }
    if (!moved) now_ns += MILLISECOND_NS;
  }
  assert_int_equal(client.received, drain_at ? drain_at : MESSAGES);
  assert_in_range(server.received, client.received, client.received + 1);
  assert_int_equal(client.code, code);
  assert_int_equal(server.code, code);
  assert_true(now_ns < SECOND_NS + WS_CLOSE_NS); /* nobody had to wait for the other */
  free(up.base);
  free(down.base);
  for (int i = 0; i < 2; i++) {
    struct side *side = i ? &server : &client;
    side->machine.ops->close(side->machine.self);
    engine_destroy(&side->engine);
    assert_int_equal(side->memory.bytes, 0);
  }
}

/* All messages come back, and both ends hear of an orderly close. */
static void http1(void **state) {
  (void)state;
  static const size_t cuts[] = {65536, 1000, 7, 1};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
    for (int deflate = 0; deflate < 2; deflate++)
      talk(true, deflate, cuts[i], 0);
}

static void http2(void **state) {
  (void)state;
  static const size_t cuts[] = {65536, 1000, 7, 1};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
    for (int deflate = 0; deflate < 2; deflate++)
      talk(false, deflate, cuts[i], 0);
}

/* What is queued is sent, then the close frame; the end is as orderly as any. */
static void drained(void **state) {
  (void)state;
  for (unsigned http1 = 0; http1 < 2; http1++)
    for (unsigned drain_at = 1; drain_at < MESSAGES; drain_at++)
      talk(http1, false, 1000, drain_at);
}

int main(void) {
  for (size_t i = 0; i < sizeof letters; i++)
    letters[i] = (uint8_t)('a' + i % 26);
  const struct CMUnitTest tests[] = {cmocka_unit_test(http1), cmocka_unit_test(http2),
                                     cmocka_unit_test(drained)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
