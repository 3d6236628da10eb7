/*
 * ws/test_client.c - a client's request for a WebSocket, and its reaction to the answer.
 */
#include <string.h>

#include "tests/engine/ws/play.h"
#include "tests/support/cmocka.h"

static struct play play;

#define EXPECT(text) assert_string_equal(play_log(&play), text)

static const char *const protocols[] = {"chat", "wamp", NULL};

static void ask(struct ws_client *client, bool http1) {
  play.client = true;
  assert_true(ws_client(client, &play.settings, http1, &play));
  fake_begin(&play.fake, 1);
  play.fake.body = client->body;
  play.fake.stream.user = play.ws = client->ws;
  play.fake.stream.events = client->events;
  ws_client_sent(client, &play.fake.stream);
}

static void a_client_opens(void **state) {
  (void)state;
  static const struct {
    unsigned status;
    const char *name, *value, *log;
    bool end;
  } rows[] = {
      {200, "sec-websocket-protocol", "wamp", "open", false},
      {404, "server", "x", "closed 1006 the server does not open a WebSocket", false},
      {200, "sec-websocket-protocol", "soap",
       "closed 1006 the server chose a subprotocol that was not offered", false},
      {200, "sec-websocket-extensions", "foo",
       "closed 1006 the server chose an extension that was not offered", false},
      {200, "server", "x", "closed 1006 the server has ended the WebSocket", true},
      {103, "link", "x", "", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ws_client client;
    play_settings(&play);
    play.settings.protocols = protocols;
    play.settings.deflate = true;
    ask(&client, i == 1);
    assert_int_equal(client.field_count, i == 1 ? 4 : 3);
    const struct header *offered = &client.fields[client.field_count - 2];
    assert_true(span_is(offered->value, "chat, wamp"));
    assert_true(play.fake.stream.duplex); /* both sides send before either has ended */
    assert_false(ws_send(client.ws, WS_TEXT, span_text("too early")));
    struct header field = {.name = span_text(rows[i].name), .value = span_text(rows[i].value)};
    field.token = (uint16_t)header_token_of(field.name);
    struct headers fields = {.at = &field, .count = 1};
    client.events->response(&play.fake.stream, rows[i].status, &fields, rows[i].end);
    EXPECT(rows[i].log);
    play_end(&play);
  }
}

static uint32_t next_bits(void *ctx) {
  uint32_t *calls = ctx;
  return ++*calls * 0x01010101u;
}

/* RFC 6455, 4.1: the key is 16 random bytes in base64, for HTTP/1.1 alone. Nothing else is asked for. */
static void a_client_asks_for_nothing(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    struct ws_client client;
    uint32_t calls = 0;
    play_settings(&play);
    play.settings.random = next_bits;
    play.settings.random_ctx = &calls;
    ask(&client, http1);
    assert_int_equal(client.field_count, 1 + http1);
    assert_int_equal(calls, 4 * http1);
    if (http1) assert_true(span_is(client.fields[1].value, "AQEBAQICAgIDAwMDBAQEBA=="));
    fake_closed(&play.fake, 0);
    EXPECT("closed 1006");
    play_end(&play);
  }
}

/* The connection is to end before the server has answered. */
static void a_client_opens_late(void **state) {
  (void)state;
  struct ws_client client;
  play_settings(&play);
  ask(&client, false);
  client.events->drain(&play.fake.stream);
  EXPECT("");
  client.events->response(&play.fake.stream, 200, &(struct headers){0}, false);
  play_pull(&play, 4096);
  EXPECT("open >X:1001");
  play_peer(&play, "T:late X:1001");
  play_eof(&play);
  fake_closed(&play.fake, 0);
  EXPECT("closed 1001");
  play_end(&play);
}

/* The request was refused: no event, and nothing is left. */
static void a_client_without_stream(void **state) {
  (void)state;
  struct ws_client client;
  play_settings(&play);
  assert_true(ws_client(&client, &play.settings, true, &play));
  ws_client_sent(&client, NULL);
  client.body.ops->close(client.body.self);
  assert_int_equal(play.memory.bytes, 0);
  assert_int_equal(play.log_len, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_client_opens),
      cmocka_unit_test(a_client_asks_for_nothing),
      cmocka_unit_test(a_client_opens_late),
      cmocka_unit_test(a_client_without_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
