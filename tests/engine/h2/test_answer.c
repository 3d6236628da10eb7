/*
 * h2/test_answer.c - what handlers and the owners of clients call: the statuses they may give, that each call
 * wakes the host, and what still has an effect when. h2/test_handlers.c has each call in each event.
 */
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;
static unsigned mistakes, wakes;

static void note_mistake(void *ctx, struct stream *stream, const char *what) {
  (void)ctx, (void)stream, (void)what;
  mistakes++;
}

static void count_wake(struct machine_host *host) {
  (void)host;
  wakes++;
}

static struct machine_host host = {.wake = count_wake};

static void begin_with(enum h2_role role, const struct engine_config *config, const char *steps) {
  script_begin(&script, role, config, false);
  script.handler.mistake = note_mistake;
  h2_of(&script.machine)->host = &host;
  script_run(&script, steps);
  script_clear(&script);
  mistakes = wakes = 0;
}

static struct stream *begin(const char *steps) {
  begin_with(H2_SERVER, NULL, steps);
  return script_app_of(&script, 1)->stream;
}

static struct body body_of(const char *text) {
  static struct body_bytes body;
  return body_bytes(&body, span_text(text), NULL, NULL);
}

/* ---- statuses -------------------------------------------------------------------------------- */

static void test_informational(void **state) {
  (void)state;
  static const unsigned statuses[] = {99, 100, 101, 102, 199, 200};
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    bool allowed = statuses[i] >= 100 && statuses[i] < 200 && statuses[i] != 101;
    struct stream *stream = begin("HEADERS/SH 1 [@hold]");
    assert_int_equal(stream_inform(stream, statuses[i], NULL, 0), allowed);
    assert_int_equal(mistakes, !allowed);
    script_close(&script);
  }
}

static void test_final(void **state) {
  (void)state;
  static const unsigned statuses[] = {199, 200, 203, 204, 205, 303, 304, 305, 599, 600};
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    const unsigned status = statuses[i];
    bool allowed = status >= 200 && status < 600, empty = status == 204 || status == 304;
    char expected[64];
    snprintf(expected, sizeof expected, "HEADERS 1 %u%s", status,
             empty ? " end" : ", DATA 1 2 end");
    struct stream *stream = begin("HEADERS/SH 1 [@hold]");
    assert_int_equal(stream_respond(stream, status, NULL, 0, body_of("ok")), allowed);
    assert_int_equal(mistakes, !allowed);
    script_pump(&script);
    assert_int_equal(!strstr(script.log, expected), !allowed);
    script_close(&script);
  }
}

#define TUNNEL ":method=CONNECT :scheme=https :authority=a :path=/ :protocol=websocket"

/* 2xx is for stream_tunnel(); another answer refuses the tunnel, which then ends as other streams do. What had
 * come for it counts as consumed. */
static void test_refused_tunnel(void **state) {
  static const char *const names[] = {"websocket", NULL};
  (void)state;
  for (unsigned status = 299; status <= 300; status++) {
    script_engine(&script, H2_SERVER, NULL);
    script.handler.protocols = names;
    script.handler.mistake = note_mistake;
    script_connect(&script, H2_SERVER, false);
    script_run(&script, "HEADERS/H 1 [" TUNNEL "]; DATA 1 *100");
    struct stream *stream = script_app_of(&script, 1)->stream;
    const struct h2 *h2 = h2_of(&script.machine);
    mistakes = 0;
    assert_int_equal(h2->credit.held, 100);
    assert_int_equal(stream_respond(stream, status, NULL, 0, BODY_NONE), status == 300);
    assert_int_equal(mistakes, status == 299);
    if (status == 300) {
      assert_int_equal(h2->credit.held, 0);
      assert_null(((struct h2_stream *)(void *)stream)->kept);
    }
    script_close(&script);
  }
}

/* The same for plain CONNECT, which stream_respond() accepts. */
static void test_refused_connect(void **state) {
  (void)state;
  for (unsigned status = 299; status <= 300; status++) {
    struct stream *stream = begin("HEADERS/H 1 [@connect]");
    assert_true(stream_respond(stream, status, NULL, 0, body_of("ok")));
    script_pump(&script);
    script_clear(&script);
    script_run(&script, "!tick 5000");
    assert_string_equal(script.log, status == 300 ? "RST_STREAM 1 NO_ERROR" : "");
    script_close(&script);
  }
}

/* ---- the host -------------------------------------------------------------------------------- */

static const struct header link_field = {.token = TOKEN_LINK, .name = {(const uint8_t *)"link", 4}};

static void do_inform(struct stream *stream) {
  (void)stream_inform(stream, 103, &link_field, 1);
}

static void do_respond(struct stream *stream) {
  (void)stream_respond(stream, 200, NULL, 0, body_of("ok"));
}

static void do_resume(struct stream *stream) {
  stream_resume(stream);
}

static void do_consume(struct stream *stream) {
  stream_consume(stream, 0);
}

static void do_cap(struct stream *stream) {
  stream_cap(stream, 100);
}

static void do_timer(struct stream *stream) {
  stream_timer(stream, script.now_ns + SECOND_NS);
}

static void do_reset(struct stream *stream) {
  stream_reset(stream, H2_CANCEL);
}

static void do_push(struct stream *stream) {
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/hold"))};
  assert_non_null(stream_push(stream, fields, 4));
}

static void do_weigh(struct stream *stream) {
  stream_weigh_connection(stream, 7);
}

static void (*const calls[])(struct stream *stream) = {do_inform, do_respond, do_resume, do_consume,
                                                       do_cap,    do_timer,   do_reset,  do_push};

static void test_wakes(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.push = true;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    begin_with(H2_SERVER, &config, "HEADERS/H 1 [@post]");
    calls[i](script_app_of(&script, 1)->stream);
    assert_true(wakes > 0);
    script_close(&script);
  }
}

static void test_weights(void **state) {
  (void)state;
  static const unsigned weights[] = {1, MACHINE_WEIGHT_MAX, 0, MACHINE_WEIGHT_MAX + 1};
  for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
    struct stream *stream = begin("HEADERS/SH 1 [@hold]");
    host.weight = 0;
    stream_weigh_connection(stream, weights[i]);
    assert_int_equal(host.weight, i < 2 ? weights[i] : 0);
    assert_int_equal(mistakes, i >= 2);
    h2_of(&script.machine)->host = NULL;
    if (i < 2) stream_weigh_connection(stream, weights[i]); /* there is nobody to tell */
    script_close(&script);
  }
  host.weight = 0;
}

/* ---- too late -------------------------------------------------------------------------------- */

/* Inside of closed(), nothing has an effect any more. */
static void do_everything(struct stream *stream, uint32_t error_code) {
  (void)error_code;
  for (size_t i = 0; i + 1 < sizeof calls / sizeof *calls;
       i++) /* but a promise, which would fail */
    calls[i](stream);
  do_weigh(stream);
  assert_false(stream_respond(stream, 200, NULL, 0, body_of("late")));
  assert_false(stream_respond(stream, 204, NULL, 0, BODY_NONE));
  assert_false(stream_tunnel(stream, NULL, 0, BODY_NONE));
  assert_false(stream_trailers(stream, NULL, 0));
}

/* An end without bytes needs no window, neither the stream's nor the connection's. */
static void test_end_without_window(void **state) {
  static const char *const steps[] = {
      "SETTINGS 0 s4=200000; !respond 1 200; !respond 3 200; !send 1 65535",
      "SETTINGS 0 s4=0; !respond 3 200"};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    (void)begin("HEADERS/SH 1 [@hold]; HEADERS/SH 3 [@hold]");
    script_run(&script, steps[i]);
    script_clear(&script);
    script_run(&script, "!end 3");
    assert_string_equal(script.log, "closed 3 NO_ERROR, DATA 3 0 end");
    script_close(&script);
  }
}

/* All that was given may be consumed, and not one byte more. */
static void test_consumed_exactly(void **state) {
  (void)state;
  struct stream *stream = begin("HEADERS/H 1 [@post]");
  stream->consume_later = true;
  script_run(&script, "DATA 1 *500");
  stream_consume(stream, 499);
  stream_consume(stream, 1);
  assert_int_equal(mistakes, 0);
  assert_int_equal(h2_of(&script.machine)->credit.held, 0);
  stream_consume(stream, 1);
  assert_int_equal(mistakes, 1);
  script_close(&script);
}

static struct stream *both[2];

static void answer_the_other(struct stream *stream, uint32_t error_code) {
  struct stream *other = both[stream == both[0]];
  both[stream == both[1]] = NULL;
  (void)error_code;
  if (other) (void)stream_respond(other, 200, NULL, 0, body_of("late"));
  if (other) stream_resume(other);
}

/* The host is closing the machine: nobody needs to be woken. */
static void test_calls_at_close(void **state) {
  static const struct stream_events events = {.closed = answer_the_other};
  (void)state;
  (void)begin("HEADERS/SH 1 [@hold]; HEADERS/SH 3 [@hold]");
  for (unsigned i = 0; i < 2; i++) {
    both[i] = script_app_of(&script, 1 + 2 * i)->stream;
    both[i]->events = &events;
  }
  script_close(&script);
  assert_null(both[0]);
  assert_null(both[1]);
  assert_int_equal(wakes, 0);
}

static void test_after_the_end(void **state) {
  static const struct stream_events events = {.closed = do_everything};
  (void)state;
  for (int lingers = 0; lingers < 2; lingers++) {
    struct stream *stream = begin("HEADERS/H 1 [@post]");
    const struct h2 *h2 = h2_of(&script.machine);
    stream->consume_later = true;
    script_run(&script, "DATA 1 *500");
    stream->events = &events;
    script_clear(&script);
    script_run(&script, lingers ? "!respond 1 200; !end 1" : "RST 1 =8");
    assert_string_equal(script.log, lingers ? "HEADERS 1 200, DATA 1 0 end" : "");
    assert_int_equal(h2->credit.held, 0);
    assert_int_equal(host.weight, 0);
    assert_int_equal(mistakes, 0);
    script_close(&script);
  }
}

static enum body_result pull_copied(void *self, struct body_chunk *chunk) {
  (void)self;
  chunk->room[0] = 'x';
  chunk->bytes = span_of(chunk->room, 1);
  return BODY_END;
}

static void count_close(void *self) {
  ++*(unsigned *)self;
}

/* What the peer still sends for a request that was answered is nobody's to consume, and the response's body is
 * closed before it comes. */
static void test_rest_of_the_request(void **state) {
  static const struct stream_events events = {.closed = NULL};
  static const struct body_ops ops = {.pull = pull_copied, .close = count_close};
  unsigned closed = 0;
  (void)state;
  struct stream *stream = begin("HEADERS/H 1 [@post]");
  stream->events = &events;
  stream->consume_later = stream->duplex = true;
  assert_true(stream_respond(stream, 200, NULL, 0, (struct body){&ops, &closed}));
  script_pump(&script);
  assert_string_equal(script.log, "HEADERS 1 200, DATA 1 1 end");
  assert_int_equal(closed, 1);
  script_run(&script, "DATA 1 *500");
  assert_int_equal(h2_of(&script.machine)->credit.held, 0);
  script_run(&script, "DATA/S 1 *1");
  assert_int_equal(closed, 1);
  script_close(&script);
}

/* ---- caps ------------------------------------------------------------------------------------ */

/* A cap is of all bytes; the window widens for those that are to come, as far as the connection's. */
static void test_caps(void **state) {
  (void)state;
  static const struct {
    uint64_t cap;
    uint32_t target, granted;
  } rows[] = {
      {50000, 49000, 49000},
      {1500, 10000, 9000},
      {11000, 10000, 9000},
      {11001, 10001, 9000},
      {1000, 10000, 9000},
      {2000000, 65535, 65535},
      {STREAM_UNCAPPED, 65535, 65535},
      {66535, 65535, 65535},
  };
  struct engine_config config = script_config();
  config.h2.stream_window_bytes = 10000;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin_with(H2_SERVER, &config, "HEADERS/H 1 [@post]; DATA 1 *1000");
    struct stream *stream = script_app_of(&script, 1)->stream;
    const struct window_credit *credit = &((struct h2_stream *)(void *)stream)->credit;
    assert_int_equal(credit->granted, 9000);
    stream_cap(stream, rows[i].cap);
    script_pump(&script);
    assert_int_equal(credit->target, rows[i].target);
    assert_int_equal(credit->granted, rows[i].granted);
    script_close(&script);
  }
}

/* ---- promises -------------------------------------------------------------------------------- */

/* The last identifier may be used. */
static struct stream *push(struct stream *parent, const char *path, const char *priority) {
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path)),
      header_of(TOKEN_PRIORITY, span_text(priority))};
  return stream_push(parent, fields, 5);
}

/* What a promised request says holds for its response. */
static void test_promised_requests(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.push = true;
  begin_with(H2_SERVER, &config, "HEADERS/SH 1 [@hold]");
  struct stream *parent = script_app_of(&script, 1)->stream;
  assert_non_null(push(parent, "/", "u=7"));
  assert_non_null(push(parent, "/hold", "u=7"));
  assert_non_null(push(parent, "/hold", ""));
  assert_null(push(parent, "", ""));
  script_run(&script, "!push 1 https://a HEAD");
  assert_int_equal(mistakes, 0);
  script_clear(&script);
  script_run(&script, "!mute; !respond 4 200; !respond 6 200; !respond 8 200; !send 4 9; !send 6 "
                      "9; !send 8 9; !listen");
  assert_string_equal(
      script.log,
      "closed 8 NO_ERROR, HEADERS 4 200, HEADERS 6 200, HEADERS 8 200 end, DATA 6 9, DATA 4 9");
  script_close(&script);
}

static void test_last_promise(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.push = true;
  begin_with(H2_SERVER, &config, "HEADERS/SH 1 [@hold]");
  h2_of(&script.machine)->own_id_next = H2_STREAM_ID_MAX - 1;
  script_run(&script, "!push 1; !push 1");
  assert_string_equal(
      script.log,
      "request 2147483646 GET /hold end, PUSH_PROMISE 1 2147483646 /hold, push refused");
  assert_int_equal(script.engine.h2.counters.pushes, 1);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_informational),
      cmocka_unit_test(test_final),
      cmocka_unit_test(test_refused_tunnel),
      cmocka_unit_test(test_refused_connect),
      cmocka_unit_test(test_wakes),
      cmocka_unit_test(test_weights),
      cmocka_unit_test(test_promised_requests),
      cmocka_unit_test(test_end_without_window),
      cmocka_unit_test(test_consumed_exactly),
      cmocka_unit_test(test_calls_at_close),
      cmocka_unit_test(test_after_the_end),
      cmocka_unit_test(test_rest_of_the_request),
      cmocka_unit_test(test_caps),
      cmocka_unit_test(test_last_promise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
