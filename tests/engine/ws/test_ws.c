/*
 * ws/test_ws.c - one end: back-pressure, clocks, closing and opening; its bounds are in test_limits.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ws/limits.h"
#include "tests/engine/ws/play.h"
#include "tests/support/cmocka.h"

static struct play play;

static void begin_with(bool client) {
  play_begin(&play, client, "");
  (void)play_log(&play);
}

static void begin(bool client) {
  play_settings(&play);
  begin_with(client);
}

#define EXPECT(text) assert_string_equal(play_log(&play), text)

static void finish(void) {
  play_pull(&play, 4096);
  play_eof(&play);
  play_pull(&play, 4096);
  fake_closed(&play.fake, 0);
  play_end(&play);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* A message longer than a frame goes in several, and a pong between two of them. */
static void long_messages(void **state) {
  (void)state;
  static uint8_t letters[WS_FRAME_BYTES_DEFAULT + 10];
  for (size_t i = 0; i < sizeof letters; i++)
    letters[i] = (uint8_t)('a' + i % 26);
  begin(false);
  assert_true(ws_send(play.ws, WS_BINARY, span_of(letters, sizeof letters)));
  assert_int_equal(fake_pull(&play.fake, 100), BODY_MORE);
  play_peer(&play, "P:now");
  play_pull(&play, 4096);
  /* 65546 letters: the second frame's begin with the 65537th, 'q'. */
  EXPECT("room >b:*65536 >O:now >C:qrstuvwxyz");
  finish();
}

static void parts(void **state) {
  (void)state;
  for (int client = 0; client < 2; client++) {
    begin(client);
    assert_true(ws_send_part(play.ws, WS_TEXT, span_text("one "), false));
    assert_false(ws_send(play.ws, WS_TEXT, span_text("not now")));
    assert_true(ws_send_part(play.ws, WS_TEXT, span_of(NULL, 0), false));
    assert_true(ws_send_part(play.ws, WS_TEXT, span_text("two"), true));
    assert_true(ws_send(play.ws, WS_BINARY, span_text("three")));
    play_pull(&play, 4096);
    EXPECT(">t:one_ >c: >C:two >B:three");
    finish();
  }
}

static void pings(void **state) {
  (void)state;
  begin(false);
  ws_ping(play.ws, span_text("first"));
  ws_ping(play.ws, span_text("second"));
  play_pull(&play, 1);
  play_peer(&play, "O:second");
  EXPECT(">P:second O:second");
  finish();
}

/* Beyond WS_SEND_BYTES_DEFAULT nothing is taken, and messages of the peer wait; both go on when half of it has
 * left. */
static void back_pressure(void **state) {
  (void)state;
  static uint8_t octets[WS_SEND_BYTES_DEFAULT];
  begin(false);
  assert_true(ws_send(play.ws, WS_BINARY, span_of(octets, 1000)));
  play_peer(&play, "T:1");
  EXPECT("T:1");
  assert_true(ws_send(play.ws, WS_BINARY, span_of(octets, sizeof octets - 1000)));
  assert_true(ws_waiting_bytes(play.ws) > WS_SEND_BYTES_DEFAULT);
  assert_false(ws_send(play.ws, WS_BINARY, span_of(octets, 1)));
  size_t consumed = play.fake.consumed;
  play_peer(&play, "T:2 T:3");
  play_peer(&play, "T:4");
  EXPECT("");
  assert_int_equal(play.fake.consumed, consumed);
  while (ws_waiting_bytes(play.ws) > WS_SEND_BYTES_DEFAULT / 2) {
    EXPECT("");
    assert_int_equal(fake_pull(&play.fake, 1000), BODY_MORE);
  }
  assert_string_equal(play.log, "room T:2 T:3 T:4");
  assert_true(play.fake.consumed > consumed);
  finish();
}

/* An echo that reads slowly: whatever comes in, no message is lost, and no more is held than the bound and a
 * message. */
static void a_slow_echo(void **state) {
  (void)state;
  play_settings(&play);
  play.echo = true;
  play.settings.send_bytes_max = 5000;
  begin_with(false);
  for (unsigned i = 0; i < 200; i++) {
    play_peer(&play, "B:*700");
    (void)play_log(&play);
    assert_true(ws_waiting_bytes(play.ws) < 5000 + 704 + 4);
  }
  while (play.counters.messages_received < 200 || ws_waiting_bytes(play.ws) > 0) {
    (void)fake_pull(&play.fake, 300);
    (void)play_log(&play);
  }
  assert_int_equal(play.fake.len, 200 * 704);
  play.pulled = play.fake.len;
  finish();
}

static void hold_on_message(struct play *player) {
  if (strstr(player->log, "stop")) ws_hold(player->ws);
}

static void holding(void **state) {
  (void)state;
  play_settings(&play);
  play.on_message = hold_on_message;
  begin_with(false);
  play_peer(&play, "T:go T:stop T:more P:ping");
  EXPECT("T:go T:stop");
  play_eof(&play);
  play_pull(&play, 100);
  EXPECT(""); /* its end waits behind them */
  ws_release(play.ws);
  play_pull(&play, 100);
  assert_string_equal(play.log, "T:more END");
  fake_closed(&play.fake, 0);
  play_end(&play);
}

/* ---- clocks ---------------------------------------------------------------------------------- */

/* A silent peer gets a ping each WS_PING_NS_DEFAULT, and is cut off after one without an answer. */
static void silence(void **state) {
  (void)state;
  begin(false);
  play_wait(&play, WS_PING_NS_DEFAULT - 1);
  play_pull(&play, 100);
  EXPECT("");
  play_wait(&play, 1);
  play_pull(&play, 100);
  EXPECT(">P:");
  play_peer(&play, "O:");
  play_wait(&play, WS_PING_NS_DEFAULT);
  play_pull(&play, 100);
  EXPECT("O:"); /* it has answered within the last interval */
  play_wait(&play, WS_PING_NS_DEFAULT);
  play_pull(&play, 100);
  EXPECT(">P:");
  play_wait(&play, WS_PING_NS_DEFAULT - 1);
  EXPECT("");
  play_wait(&play, 1);
  EXPECT("closed 1006");
  assert_int_equal(play.counters.silent, 1);
  play_end(&play);
}

static void no_pings(void **state) {
  (void)state;
  play_settings(&play);
  play.settings.ping_ns = UINT64_MAX;
  begin_with(false);
  assert_int_equal(play.fake.timer_ns, UINT64_MAX);
  finish();
}

/* A peer that we do not read from is not called silent. */
static void held_is_not_silent(void **state) {
  (void)state;
  begin(false);
  ws_hold(play.ws);
  for (int i = 0; i < 5; i++)
    play_wait(&play, WS_PING_NS_DEFAULT);
  play_pull(&play, 100);
  EXPECT("");
  ws_release(play.ws);
  finish();
}

/* The owner's timer and ours share the stream's. */
static void timers(void **state) {
  (void)state;
  begin(false);
  ws_timer(play.ws, ws_now_ns(play.ws) + SECOND_NS);
  play_wait(&play, SECOND_NS);
  EXPECT("timer");
  play_wait(&play, SECOND_NS);
  EXPECT("");
  ws_timer(play.ws, ws_now_ns(play.ws) + SECOND_NS);
  ws_timer(play.ws, MACHINE_NO_DEADLINE);
  play_wait(&play, WS_PING_NS_DEFAULT - 2 * SECOND_NS);
  play_pull(&play, 100);
  EXPECT(">P:");
  finish();
}

/* ---- closing --------------------------------------------------------------------------------- */

/* We close: what waits goes first, messages that still come are dropped, and the peer's close frame ends it. A
 * client waits for the server to end the stream. */
static void we_close(void **state) {
  (void)state;
  for (int client = 0; client < 2; client++) {
    begin(client);
    assert_true(ws_send(play.ws, WS_TEXT, span_text("last")));
    ws_close(play.ws, 4000, span_text("enough"));
    ws_close(play.ws, 1000, span_text("again"));
    assert_false(ws_send(play.ws, WS_TEXT, span_text("late")));
    play_pull(&play, 3);
    EXPECT(">T:last >X:4000enough");
    play_peer(&play, "T:late b:x P:p C:y zT:no");
    play_pull(&play, 4096);
    EXPECT("END"); /* RSV1: even now a fault is one */
    play_eof(&play);
    fake_closed(&play.fake, 0);
    EXPECT("closed 1002 reserved bit set");
    play_end(&play);

    begin(client);
    ws_close(play.ws, WS_NO_CODE, span_of(NULL, 0));
    play_pull(&play, 3);
    EXPECT(">X:");
    play_peer(&play, "T:late t:a C:b X:1001so_be_it");
    play_pull(&play, 4096);
    EXPECT(client ? "" : "END");
    play_eof(&play);
    play_pull(&play, 4096);
    EXPECT(client ? "END" : "");
    fake_closed(&play.fake, 0);
    EXPECT("closed 1001 so be it");
    play_end(&play);
  }
}

/* The peer closes: what waits goes first, such as the answers to what it has said. It has time as long as it takes them. */
static void the_peer_closes(void **state) {
  (void)state;
  for (int client = 0; client < 2; client++) {
    play_settings(&play);
    play.echo = true;
    begin_with(client);
    play_peer(&play, "T:one t:t P:p C:wo X:4000bye");
    play_pull(&play, 4096);
    EXPECT(client ? "T:one T:two >O:p >T:one >T:two >X:4000"
                  : "T:one T:two >O:p >T:one >T:two >X:4000 END");
    finish();
  }
  play_settings(&play);
  play.echo = true;
  begin_with(false);
  play_peer(&play, "B:*9000 X:1000");
  for (unsigned i = 0; i < 9; i++) {
    assert_int_equal(fake_pull(&play.fake, 1000), BODY_MORE);
    play_wait(&play, WS_CLOSE_NS);
  }
  play_pull(&play, 4096);
  EXPECT("B:*9000 >B:*9000 >X:1000 END");
  finish();
}

/* The peer does not answer our close frame, or does not end its direction: cut after WS_CLOSE_NS. */
static void say_bye(struct ws *ws) {
  assert_true(ws_send(ws, WS_TEXT, span_text("bye")));
  ws_close(ws, WS_SERVICE_RESTART, span_of(NULL, 0));
}

/* The connection is to end. The owner may see to it itself. */
static void drain(void **state) {
  (void)state;
  for (int client = 0; client < 2; client++) {
    begin(client);
    assert_true(ws_send(play.ws, WS_TEXT, span_text("last")));
    play.fake.stream.events->drain(&play.fake.stream);
    play_pull(&play, 4096);
    EXPECT(">T:last >X:1001");
    play.fake.stream.events->drain(&play.fake.stream);
    play_peer(&play, "X:1001");
    finish();
  }
  play_settings(&play);
  struct ws_events own = *play.settings.events;
  own.drain = say_bye;
  play.settings.events = &own;
  begin_with(false);
  play.fake.stream.events->drain(&play.fake.stream);
  play_pull(&play, 4096);
  EXPECT(">T:bye >X:1012");
  play_peer(&play, "X:1012");
  finish();
}

static void no_answer_to_close(void **state) {
  (void)state;
  static const struct {
    const char *frames, *log;
  } rows[] = {
      {NULL, "closed 1006"},
      {"X:1000", "closed 1000"},
      {"zT:", "closed 1002 reserved bit set"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin(false);
    if (rows[i].frames)
      play_peer(&play, rows[i].frames);
    else
      ws_close(play.ws, 1000, span_of(NULL, 0));
    play_pull(&play, 100);
    (void)play_log(&play);
    play_wait(&play, WS_CLOSE_NS - 1);
    EXPECT("");
    play_wait(&play, 1);
    EXPECT(rows[i].log);
    assert_int_equal(play.counters.silent, 1);
    play_end(&play);
  }
}

/* A reason is cut at 123 octets, between characters. */
static void long_reasons(void **state) {
  (void)state;
  char reason[200], expected[220];
  memset(reason, 'x', sizeof reason);
  memcpy(reason + 121, "\xe2\x82\xac", 3);
  begin(false);
  ws_close(play.ws, 1000, span_of(reason, sizeof reason));
  play_pull(&play, 4096);
  snprintf(expected, sizeof expected, ">X:1000%.121s", reason);
  EXPECT(expected);
  finish();
}

static void close_on_message(struct play *player) {
  ws_close(player->ws, 1000, span_of(NULL, 0));
}

static void reset_on_message(struct play *player) {
  stream_reset(ws_stream(player->ws), 0);
}

/* An event may close or reset: nothing more is handed over, and nothing breaks. */
static void closing_within_an_event(void **state) {
  (void)state;
  for (int fragments = 0; fragments < 2; fragments++) {
    play_settings(&play);
    play.settings.fragments = fragments;
    play.on_message = close_on_message;
    begin_with(false);
    play_peer(&play, "T:one T:two X:1000");
    play_pull(&play, 4096);
    EXPECT(fragments ? "T.:one >X:1000 END" : "T:one >X:1000 END");
    finish();

    play_settings(&play);
    play.settings.fragments = fragments;
    play.on_message = reset_on_message;
    begin_with(false);
    play_peer(&play, "T:one T:two X:1000");
    EXPECT(fragments ? "T.:one closed 1006" : "T:one closed 1006");
    play_end(&play);
  }
}

/* ---- fragments ------------------------------------------------------------------------------- */

static void messages_in_fragments(void **state) {
  (void)state;
  play_settings(&play);
  play.settings.fragments = true;
  play.settings.message_bytes_max = SIZE_MAX;
  begin_with(false);
  play_peer(&play, "T:Hello t:a c: P:p C:b B:*5000 b:");
  EXPECT("T.:Hello T+:a T+: T.:b B+:*4096 B.:?904 B+:");
  play_peer(&play, "~00 ~ff7fffffffffff0000 ~00000000 ~61"); /* nearly 2^63 octets */
  EXPECT("B+:a");
  finish();
}

/* ---- opening --------------------------------------------------------------------------------- */

static const char *const protocols[] = {"chat", "wamp", NULL};

static void accept_it(void *ctx, struct stream *stream, const struct request *request,
                      uint64_t now_ns) {
  (void)ctx;
  (void)now_ns;
  play.ws = ws_accept(stream, request, &play.settings, &play);
}

static const struct handler handler = {.request = accept_it};

#define KEY     header_of(TOKEN_SEC_WEBSOCKET_KEY, span_text("dGhlIHNhbXBsZSBub25jZQ=="))
#define VERSION header_of(TOKEN_SEC_WEBSOCKET_VERSION, span_text("13"))

static void a_server_answers(void **state) {
  (void)state;
  struct header fields[] = {KEY, VERSION,
                            header_of(TOKEN_SEC_WEBSOCKET_PROTOCOL, span_text("soap, wamp, chat"))};
  play_settings(&play);
  play.settings.protocols = protocols;
  fake_request(&play.fake, &handler, "GET", "/", fields, 3, 1);
  assert_string_equal(play.fake.fields, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n"
                                        "sec-websocket-protocol: chat\n");
  assert_string_equal(ws_protocol(play.ws), "chat");
  assert_ptr_equal(ws_user(play.ws), &play);
  play_end(&play);
  assert_int_equal(play.counters.opened, 1);
  assert_int_equal(play.counters.closed, 1);
}

static void a_server_refuses(void **state) {
  (void)state;
  struct header wrong[] = {KEY, header_of(TOKEN_SEC_WEBSOCKET_VERSION, span_text("8"))};
  struct header none[] = {VERSION};
  play_settings(&play);
  fake_request(&play.fake, &handler, "GET", "/", wrong, 2, 1);
  assert_null(play.ws);
  assert_int_equal(play.fake.status, 426);
  assert_string_equal(fake_field(&play.fake, "sec-websocket-version"), "13");
  play_end(&play);
  fake_request(&play.fake, &handler, "GET", "/", none, 1, 1);
  assert_null(play.ws);
  assert_int_equal(play.fake.status, 400);
  play_end(&play);
  /* The tunnel is refused: the stream was reset, and no event came. */
  struct header good[] = {KEY, VERSION};
  play.fake.refuse = true;
  fake_request(&play.fake, &handler, "GET", "/", good, 2, 1);
  assert_null(play.ws);
  assert_int_equal(play.log_len, 0);
  play_end(&play);
  play.fake.refuse = false;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Each allocation of a conversation refused in turn: it ends with 1011 or 503, or does without. */
static void without_memory(void **state) {
  (void)state;
  bool refused = true;
  for (uint64_t at = 1; refused; at++) {
    play_settings(&play);
    play.settings.deflate = true;
    play.settings.deflate_takeover = at % 2;
    play.memory.refuse_at = at;
    struct header fields[] = {
        VERSION, header_of(TOKEN_SEC_WEBSOCKET_EXTENSIONS, span_text("permessage-deflate"))};
    fake_request(&play.fake, &handler, "CONNECT", "/", fields, 2, 1);
    (void)play_log(&play);
    if (play.ws) {
      static uint8_t zeros[200];
      bool sent = ws_send(play.ws, WS_BINARY, span_of(zeros, sizeof zeros));
      play_peer(&play, "zt:=f248cd C:=c9c90700 b:*9000");
      ws_hold(play.ws);
      play_peer(&play, "c:*9000 C:a");
      ws_release(play.ws);
      play_pull(&play, 4096);
      refused = play.memory.calls >= at;
      bool failed = strstr(play.log, ">X:1011") != NULL;
      assert_int_equal(failed, refused);
      assert_true(sent || failed);
      (void)play_log(&play);
    } else {
      assert_int_equal(play.fake.status, 503);
    }
    assert_true(at < 100);
    finish();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(long_messages),
      cmocka_unit_test(parts),
      cmocka_unit_test(pings),
      cmocka_unit_test(back_pressure),
      cmocka_unit_test(a_slow_echo),
      cmocka_unit_test(holding),
      cmocka_unit_test(silence),
      cmocka_unit_test(no_pings),
      cmocka_unit_test(held_is_not_silent),
      cmocka_unit_test(timers),
      cmocka_unit_test(we_close),
      cmocka_unit_test(the_peer_closes),
      cmocka_unit_test(drain),
      cmocka_unit_test(no_answer_to_close),
      cmocka_unit_test(long_reasons),
      cmocka_unit_test(closing_within_an_event),
      cmocka_unit_test(messages_in_fragments),
      cmocka_unit_test(a_server_answers),
      cmocka_unit_test(a_server_refuses),
      cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
