/*
 * engine/test_conn_spdy.c - SPDY by prior knowledge, by ALPN and by Upgrade, where it is offered and where it is not.
 */
#include <string.h>

#include "engine/conn.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

static struct counted_memory memory;
static struct engine engine;
static unsigned asked;

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  (void)ctx, (void)request, (void)now_ns;
  asked++;
  assert_true(stream_respond(stream, 204, NULL, 0, BODY_NONE));
}

static const struct handler handler = {.request = on_request};

#define PING     "\x80\x03\0\6\0\0\0\4\0\0\0\1"
#define SETTINGS "\x80\x03\0\4" /* the first bytes of ours */
#define ASK(to)  "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: " to "\r\n\r\n"
#define SWITCHES                                                                                   \
  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: SPDY/3.1\r\n\r\n"
#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct row {
  const char *name, *protocol, *input;
  size_t len;
  const char *answer; /* it begins with this */
  size_t answer_len;
  const char *without; /* the same where SPDY is not offered */
  bool secure;
} rows[] = {
    {"prior knowledge", "", BYTES(PING), BYTES(SETTINGS), "HTTP/1.1 400 ", false},
    {"ALPN", "spdy/3.1", BYTES(PING), BYTES(SETTINGS), SETTINGS, true},
    {"Upgrade", "", BYTES(ASK("SPDY/3.1")), BYTES(SWITCHES SETTINGS), "HTTP/1.1 204 ", false},
    {"Upgrade in another case", "", BYTES(ASK("spdy/3.1") PING), BYTES(SWITCHES SETTINGS),
     "HTTP/1.1 204 ", false},
    {"one of several", "", BYTES(ASK("websocket, SPDY/3.1")), BYTES(SWITCHES), "HTTP/1.1 204 ",
     false},
    {"another version", "", BYTES(ASK("SPDY/2")), BYTES("HTTP/1.1 204 "), "HTTP/1.1 204 ", false},
    {"Upgrade over TLS", "http/1.1", BYTES(ASK("SPDY/3.1")), BYTES("HTTP/1.1 204 "),
     "HTTP/1.1 204 ", true},
    {"HTTP/1.1", "", BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), BYTES("HTTP/1.1 204 "),
     "HTTP/1.1 204 ", false},
    {"with a body", "",
     BYTES("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: "
           "SPDY/3.1\r\nContent-Length: 1\r\n\r\nx"),
     BYTES("HTTP/1.1 204 "), "HTTP/1.1 204 ", false},
};

static void run(const struct row *row, bool offered, size_t piece) {
  struct machine_peer peer = {.application_protocol = row->protocol, .secure = row->secure};
  struct machine_factory factory = conn_factory(&engine);
  struct machine machine;
  uint8_t out[4096];
  size_t have = 0;
  assert_true(factory.create(factory.ctx, &peer, NULL, 1, &machine));
  for (size_t at = 0; at < row->len; at += piece) {
    size_t len = row->len - at < piece ? row->len - at : piece;
    (void)machine.ops->recv(machine.self, span_of(row->input + at, len), 1);
  }
  while (machine.ops->wants(machine.self) & MACHINE_SEND) {
    struct span spans[8];
    size_t bytes = 0, count = machine.ops->send_peek(machine.self, spans, 8, 4096, 1);
    for (size_t i = 0; i < count; i++) {
      memcpy(out + have, spans[i].base, spans[i].len);
      have += spans[i].len, bytes += spans[i].len;
    }
    machine.ops->send_ack(machine.self, bytes, 1);
    if (!bytes) break;
  }
  const char *expected = offered ? row->answer : row->without;
  size_t len = offered ? row->answer_len : strlen(row->without);
  if (have < len || memcmp(out, expected, len) != 0) fail_msg("%s: another answer", row->name);
  machine.ops->close(machine.self);
}

static void run_rows(bool offered) {
  struct engine_config config = engine_config_default();
  config.spdy.server = offered;
  assert_true(engine_init(&engine, counted_init(&memory), &config, &handler));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bool alpn = strcmp(rows[i].protocol, "spdy/3.1") == 0;
    if (alpn && !offered) continue; /* TLS does not agree on it */
    run(&rows[i], offered, rows[i].len);
    run(&rows[i], offered, 1);
  }
  engine_destroy(&engine);
  assert_int_equal(memory.count, 0);
}

static void test_offered(void **state) {
  (void)state;
  run_rows(true);
  assert_true(asked > 0);
}

static void test_not_offered(void **state) {
  (void)state;
  run_rows(false);
}

static void test_protocols(void **state) {
  (void)state;
  assert_string_equal(conn_protocols_spdy[0], "h2");
  assert_string_equal(conn_protocols_spdy[1], "spdy/3.1");
  for (size_t i = 0; conn_protocols[i]; i++)
    assert_string_not_equal(conn_protocols[i], "spdy/3.1");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_offered),
                                     cmocka_unit_test(test_not_offered),
                                     cmocka_unit_test(test_protocols)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
