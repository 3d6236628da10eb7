/*
 * h2/test_send.c - when there is something to send, and bodies at the border of windows and budgets. The order of
 * responses is tested in tests/engine/sched/.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;
static uint8_t lent[64 * KIB];
static struct stream_facts facts;

/* ---- bodies that do not know their end before they are asked --------------------------------- */

static struct served {
  struct stream *stream;
  size_t left;
  size_t record_bytes; /* it gives so many at once, or BODY_ROOM; 0: any number */
  bool gives_up;       /* it resets its stream when it is asked without room */
  bool hesitates;      /* it says BODY_WAIT once, and resumes its stream before */
  uint32_t *loans;     /* what it says of its bytes, if not NULL */
  unsigned pulls, empty_pulls;
} served[2];

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct served *body = self;
  body->pulls++;
  body->empty_pulls += chunk->max == 0;
  if (body->hesitates) {
    body->hesitates = false;
    stream_resume(body->stream);
    return BODY_WAIT;
  }
  if (body->left == 0) return BODY_END;
  if (chunk->max == 0 && body->gives_up) {
    stream_reset(body->stream, H2_CANCEL);
    return BODY_END;
  }
  if (chunk->max < body->record_bytes) return BODY_ROOM;
  size_t most = body->record_bytes ? body->record_bytes : chunk->max;
  size_t take = body->left < most ? body->left : most;
  chunk->bytes = span_of(lent, take);
  chunk->loans = body->loans;
  body->left -= take;
  return BODY_MORE;
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  static const struct body_ops ops = {.pull = pull};
  static const struct stream_events none;
  (void)ctx, (void)request, (void)now_ns;
  struct served *body = &served[stream->id / 2];
  body->stream = stream;
  stream->events = &none;
  assert_true(stream_respond(stream, 200, NULL, 0, (struct body){&ops, body}));
}

static void note_end(void *ctx, struct stream *stream, const struct stream_facts *of) {
  (void)ctx, (void)stream;
  facts = *of;
}

/* One or two responses; their stream windows are 0 at first. */
static void begin(struct served first, struct served second) {
  script_begin(&script, H2_SERVER, NULL, false);
  script.handler.request = serve;
  script.handler.ended = note_end;
  served[0] = first;
  served[1] = second;
  script_run(&script, "SETTINGS 0 s4=0; HEADERS/SH 1 [@get]");
  if (second.left) script_run(&script, "HEADERS/SH 3 [@get]");
  script_clear(&script);
}

static void expect(const char *steps, const char *log) {
  script_clear(&script);
  script_run(&script, steps);
  assert_string_equal(script.log, log);
}

static bool wants_to_send(void) {
  return script.machine.ops->wants(script.machine.self) & MACHINE_SEND;
}

static uint8_t seen[OUT_BYTES + 128 * KIB];

/* The bytes that wait for the transport, also in `seen`. */
static size_t peek(size_t budget_bytes) {
  struct span spans[OUT_SEGMENTS];
  const struct machine_ops *ops = script.machine.ops;
  size_t count =
      ops->send_peek(script.machine.self, spans, OUT_SEGMENTS, budget_bytes, script.now_ns);
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    memcpy(seen + total, spans[i].base, spans[i].len);
    total += spans[i].len;
  }
  return total;
}

/* They are taken. */
static size_t send_within(size_t budget_bytes) {
  size_t total = peek(budget_bytes);
  script.machine.ops->send_ack(script.machine.self, total, script.now_ns);
  return total;
}

/* ---- ends without a window ------------------------------------------------------------------- */

/* A body that ends exactly where a window does: END_STREAM needs none. */
static void test_end_of_the_streams_window(void **state) {
  (void)state;
  begin((struct served){.left = 1000}, (struct served){0});
  expect("WU 1 =999", "DATA 1 999");
  assert_int_equal(served[0].empty_pulls, 2); /* with the header section, and now */
  expect("WU 1 =1", "DATA 1 1 end");
  assert_int_equal(served[0].empty_pulls, 3);
  script_close(&script);
}

static void test_end_of_the_connections_window(void **state) {
  (void)state;
  begin((struct served){.left = H2_INITIAL_WINDOW_BYTES}, (struct served){0});
  script.frame_bytes_max = 70000;
  expect("WU 1 =70000", "DATA 1 65535 end");
  script_close(&script);
}

/* Where there is a window, a body is not asked for nothing. */
static void test_no_empty_pulls(void **state) {
  (void)state;
  begin((struct served){.left = 20000}, (struct served){0});
  served[0].empty_pulls = 0;
  expect("WU 1 =40000", "DATA 1 20000 end");
  assert_int_equal(served[0].empty_pulls, 0);
  script_close(&script);
}

static void test_reset_when_asked_for_nothing(void **state) {
  (void)state;
  begin((struct served){.left = 1000}, (struct served){0});
  served[0].gives_up = true;
  expect("WU 1 =999", "DATA 1 999, RST_STREAM 1 CANCEL");
  assert_int_equal(script.engine.http.counters.streams_closed, 1);
  script_close(&script);
}

/* It has something by the time it is done, and nobody else will resume it. */
static void test_resumed_within_pull(void **state) {
  (void)state;
  begin((struct served){.left = 100, .hesitates = true}, (struct served){0});
  expect("WU 1 =500", "DATA 1 100 end");
  script_close(&script);
}

/* The connection's window is shut, and an empty response needs none. */
static void test_empty_response(void **state) {
  (void)state;
  begin((struct served){.left = H2_INITIAL_WINDOW_BYTES}, (struct served){0});
  script_run(&script, "SETTINGS 0 s4=70000; WU 1 =70000");
  expect("HEADERS/SH 3 [@get]", "HEADERS 3 200, DATA 3 0 end");
  script_close(&script);
}

/* ---- what is on the wire --------------------------------------------------------------------- */

/* The bytes of a body are those that were lent, whether they are copied or not. */
static void test_lent_bytes(void **state) {
  (void)state;
  static const size_t sizes[] = {1, OUT_COPY_BYTES_MAX, OUT_COPY_BYTES_MAX + 1, 16384};
  for (size_t i = 0; i < sizeof lent; i++)
    lent[i] = (uint8_t)(i % 251 + 1);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    begin((struct served){.left = sizes[i]}, (struct served){0});
    script_run(&script, "!mute; WU 1 =60000");
    assert_int_equal(send_within(SIZE_MAX), 2 * H2_FRAME_HEADER_BYTES + sizes[i]);
    assert_memory_equal(seen + H2_FRAME_HEADER_BYTES, lent, sizes[i]);
    assert_int_equal(script.engine.http.counters.body_bytes_sent, sizes[i]);
    assert_int_equal(facts.body_bytes_sent, sizes[i]);
    assert_int_equal(script.engine.h2.outs.taken, 0); /* its memory is free again */
    script_close(&script);
  }
}

/* Pieces whose loans a body counts itself: until they are acked, or dropped with the connection, and not those
 * that were copied. */
static void test_loans(void **state) {
  (void)state;
  uint32_t loans = 0;
  for (int lost = 0; lost < 2; lost++) {
    begin((struct served){.left = 50000, .loans = &loans}, (struct served){0});
    script_run(&script, "!mute; WU 1 =60000");
    size_t total = peek(SIZE_MAX);
    assert_int_equal(total, 50000 + 5 * H2_FRAME_HEADER_BYTES); /* the end is a frame of its own */
    assert_int_equal(loans, 3 + (50000 - 3 * 16384 > OUT_COPY_BYTES_MAX));
    assert_int_equal(facts.body_bytes_sent, 50000); /* the stream has ended */
    const uint32_t most = loans;
    script.machine.ops->send_ack(script.machine.self, H2_FRAME_HEADER_BYTES + 16384, 0);
    assert_int_equal(loans, most - 1);
    if (!lost) script.machine.ops->send_ack(script.machine.self, total - 9 - 16384, 0);
    assert_int_equal(loans, lost ? most - 1 : 0);
    script_close(&script);
    assert_int_equal(loans, 0);
  }
}

/* Whatever can leave leaves at once: replies, credit, header sections, data, resets. */
static void test_all_at_once(void **state) {
  (void)state;
  begin((struct served){.left = 1000}, (struct served){0});
  served[0].gives_up = true;
  script_run(&script, "!mute; PING 0 *8; HEADERS/SH 3 [@get]; WU 1 =999");
  const size_t reset = H2_FRAME_HEADER_BYTES + 4;
  size_t total = send_within(SIZE_MAX);
  assert_int_equal(seen[3], H2_PING);
  assert_int_equal(seen[H2_FRAME_HEADER_BYTES + 8 + 3], H2_HEADERS);
  assert_int_equal(seen[total - reset + 3], H2_RST_STREAM);
  assert_int_equal(served[0].left, 1);
  assert_false(wants_to_send());
  assert_int_equal(send_within(SIZE_MAX), 0);
  script_close(&script);
}

/* Credit, too, is no end of what leaves. */
static void test_credit_and_more(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/H 1 [@post]; !mute; DATA 1 *16384; DATA 1 *16384; DATA 1 *16384; "
                      "!respond 1 200");
  assert_true(send_within(SIZE_MAX) > 2 * H2_FRAME_HEADER_BYTES + 4);
  assert_int_equal(seen[3], H2_WINDOW_UPDATE);
  assert_int_equal(seen[H2_FRAME_HEADER_BYTES + 4 + 3], H2_HEADERS);
  script_close(&script);
}

static void test_header_bytes(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script.handler.request = serve;
  script.handler.ended = note_end;
  served[0] = (struct served){0};
  script_run(&script, "!mute; HEADERS/SH 1 [@get]");
  size_t total = send_within(SIZE_MAX);
  assert_int_equal(facts.header_bytes_sent, total - H2_FRAME_HEADER_BYTES);
  script_close(&script);
}

/* A body that has nothing to give holds no memory for output. */
static void test_nothing_made(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@hold]; !respond 1 200");
  script_run(&script, "!mute; !send 1 0");
  assert_true(wants_to_send());
  assert_int_equal(peek(SIZE_MAX), 0);
  assert_int_equal(script.engine.h2.outs.taken, 0);
  script_close(&script);
}

/* ---- a full buffer --------------------------------------------------------------------------- */

/* Output that is not taken leaves so many bytes of the buffer: two whole frames and a third fill it, and the window
 * of stream 1. Stream 3 is an upload. */
static void fill_but(size_t room) {
  char steps[128];
  const size_t bytes = OUT_BYTES - room - 3 * H2_FRAME_HEADER_BYTES;
  script_begin(&script, H2_SERVER, NULL, false);
  snprintf(steps, sizeof steps, "SETTINGS 0 s4=%zu; HEADERS/SH 1 [@hold]; !respond 1 200", bytes);
  script_run(&script, steps);
  snprintf(steps, sizeof steps, "HEADERS/H 3 [@post]; !mute; !send 1 %zu", bytes);
  script_run(&script, steps);
  assert_int_equal(peek(SIZE_MAX), OUT_BYTES - room);
}

/* Half of the connection's window comes. */
static void make_credit_due(void) {
  script_run(&script, "DATA 3 *16384; DATA 3 *16384");
}

/* Each frame waits for exactly the room that it needs. */
static void test_exact_room(void **state) {
  (void)state;
  for (size_t lacks = 0; lacks < 2; lacks++) {
    fill_but(H2_FRAME_HEADER_BYTES + 8 - lacks);
    script_run(&script, "PING 0 *8");
    assert_int_equal(peek(SIZE_MAX), OUT_BYTES - lacks * (H2_FRAME_HEADER_BYTES + 8 - 1));
    script_close(&script);

    fill_but(H2_FRAME_HEADER_BYTES + 4 - lacks);
    make_credit_due();
    assert_int_equal(peek(SIZE_MAX), OUT_BYTES - lacks * (H2_FRAME_HEADER_BYTES + 4 - 1));
    script_close(&script);
  }
}

/* What comes first in the order is not overtaken by what is smaller. */
static void test_order_without_room(void **state) {
  (void)state;
  fill_but(H2_FRAME_HEADER_BYTES + 8 - 1);
  script_run(&script, "PING 0 *8");
  make_credit_due();
  assert_int_equal(peek(SIZE_MAX), OUT_BYTES - (H2_FRAME_HEADER_BYTES + 8 - 1));
  script_close(&script);

  fill_but(4000);
  script_run(&script, "HEADERS/SH 5 [@hold]; !bulk 5 6000; WU 1 =100; !send 1 100");
  assert_int_equal(peek(SIZE_MAX), OUT_BYTES - 4000);
  script.mute = false;
  script_clear(&script);
  script_pump(&script);
  const char *headers = strstr(script.log, "HEADERS 5 200"),
             *data = strstr(script.log, "DATA 1 100");
  assert_true(headers && data && headers < data);
  script_close(&script);
}

/* Nothing may follow the last GOAWAY, credit neither. */
static void test_credit_after_the_last(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script,
             "HEADERS/H 1 [@post]; !mute; DATA 1 *16384; DATA 1 *16384; DATA 0 *1; !listen");
  assert_true(script.goaway);
  assert_int_equal(script.connection_credit, H2_INITIAL_WINDOW_BYTES - 2 * 16384 - 1);
  script_close(&script);
}

/* ---- records that need room ------------------------------------------------------------------ */

enum { RECORD = 1000 };

static const struct served one_record = {.left = RECORD, .record_bytes = RECORD};

/* A record that is larger than the budget goes beyond it, unless something else is under way. */
static void test_record_beyond_the_budget(void **state) {
  (void)state;
  const size_t ping = H2_FRAME_HEADER_BYTES + 8, whole = H2_FRAME_HEADER_BYTES + RECORD;
  for (int busy = 0; busy < 2; busy++) {
    begin(one_record, (struct served){0});
    script_run(&script, "!mute; WU 1 =5000");
    if (busy) {
      script_run(&script, "PING 0 *8");
      assert_int_equal(send_within(100), ping);
    }
    assert_int_equal(send_within(100), whole);
    script_close(&script);
  }
}

/* It waits for a window that is large enough, and is asked no more before. */
static void test_record_beyond_the_window(void **state) {
  (void)state;
  begin(one_record, (struct served){0});
  expect("WU 1 =500", "");
  unsigned pulls = served[0].pulls;
  assert_false(wants_to_send());
  expect("PING 0 *8", "PING ack");
  assert_int_equal(served[0].pulls, pulls);
  expect("WU 1 =499", "");
  expect("WU 1 =1", "DATA 1 1000 end");
  script_close(&script);
}

/* One that waits although it was ready does not hold up the others. */
static void test_record_beside_others(void **state) {
  (void)state;
  begin(one_record, (struct served){.left = 200});
  expect("WU 1 =500", "");
  script_run(&script, "!mute; WU 1 =5000; WU 3 =5000");
  h2_of(&script.machine)->window.bytes = 300; /* others have had the rest */
  expect("!listen", "DATA 3 200 end");
  expect("WU 0 =1000", "DATA 1 1000 end");
  script_close(&script);
}

/* ---- something to send ----------------------------------------------------------------------- */

/* Credit that is too little for a frame is not. */
static void test_little_credit(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/H 1 [@post]; DATA 1 *9");
  assert_false(wants_to_send());
  assert_int_equal(send_within(SIZE_MAX), 0);
  script_close(&script);
}

/* A cap that was set before the request has left widens the window with it. */
static void test_cap_before_the_request(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.connection_window_bytes = 4 * MIB;
  script_begin(&script, H2_CLIENT, &config, false);
  script_run(&script, "!mute; !request /a");
  struct stream *stream = script_app_of(&script, 1)->stream;
  stream_cap(stream, 2 * MIB);
  script_run(&script, "!listen");
  assert_int_equal(((struct h2_stream *)(void *)stream)->credit.granted, 2 * MIB);
  script_close(&script);
}

/* The host cannot wait for memory. */
static void test_no_memory(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "!mute; PING 0 *8");
  assert_true(wants_to_send());
  script.engine.h2.outs.max = 0;
  assert_int_equal(send_within(SIZE_MAX), 0);
  assert_true(script_done(&script));
  assert_false(wants_to_send());
  script_close(&script);
}

/* ---- trailers that find no room ---------------------------------------------------------------- */

/* One that fills the output with bytes of its own, and ends. */
static enum body_result fill(void *self, struct body_chunk *chunk) {
  (void)self;
  chunk->bytes = span_of(chunk->room, chunk->max);
  memset(chunk->room, 'x', chunk->max);
  return chunk->max > 0 ? BODY_END : BODY_MORE;
}

static bool give_trailers(struct stream *stream) {
  static char text[20 * KIB];
  memset(text, 't', sizeof text - 1);
  const struct header field = {.name = span_text("x-long"), .value = span_text(text)};
  return stream_trailers(stream, &field, 1);
}

static unsigned mistakes;

static void count_mistake(void *ctx, struct stream *stream, const char *what) {
  (void)ctx, (void)stream;
  assert_string_equal(what, "stream_trailers() after the end of the body");
  mistakes++;
}

static void serve_with_trailers(void *ctx, struct stream *stream, const struct request *request,
                                uint64_t now_ns) {
  static const struct body_ops ops = {.pull = fill};
  (void)ctx, (void)request, (void)now_ns;
  served[0].stream = stream;
  assert_true(give_trailers(stream));
  assert_true(stream_respond(stream, 200, NULL, 0, (struct body){&ops, NULL}));
}

/* The body has ended and its trailers wait for room in the output: others come too late. */
static void test_trailers_without_room(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script.handler.request = serve_with_trailers;
  script.handler.mistake = count_mistake;
  mistakes = 0;
  script_run(&script, "SETTINGS 0 s4=0; HEADERS/SH 1 [@get]");
  script_clear(&script);
  static const uint8_t update[] = {0, 0, 4, H2_WINDOW_UPDATE, 0, 0, 0, 0, 1, 0, 0, 0x7f, 0xff};
  const struct machine_ops *ops = script.machine.ops;
  assert_int_equal(ops->recv(script.machine.self, span_of(update, sizeof update), script.now_ns),
                   sizeof update);
  assert_true(peek(OUT_BYTES) > 10 * KIB); /* and nothing is taken */
  assert_false(give_trailers(served[0].stream));
  assert_int_equal(mistakes, 1);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_end_of_the_streams_window),
      cmocka_unit_test(test_end_of_the_connections_window),
      cmocka_unit_test(test_no_empty_pulls),
      cmocka_unit_test(test_reset_when_asked_for_nothing),
      cmocka_unit_test(test_record_beyond_the_budget),
      cmocka_unit_test(test_record_beyond_the_window),
      cmocka_unit_test(test_record_beside_others),
      cmocka_unit_test(test_resumed_within_pull),
      cmocka_unit_test(test_empty_response),
      cmocka_unit_test(test_lent_bytes),
      cmocka_unit_test(test_loans),
      cmocka_unit_test(test_all_at_once),
      cmocka_unit_test(test_credit_and_more),
      cmocka_unit_test(test_header_bytes),
      cmocka_unit_test(test_nothing_made),
      cmocka_unit_test(test_exact_room),
      cmocka_unit_test(test_order_without_room),
      cmocka_unit_test(test_credit_after_the_last),
      cmocka_unit_test(test_little_credit),
      cmocka_unit_test(test_cap_before_the_request),
      cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_trailers_without_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
