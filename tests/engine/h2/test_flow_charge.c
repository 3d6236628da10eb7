/*
 * h2/test_flow_charge.c - what a connection is charged for its windows, to the byte; and the round trip that
 * FLOW_AUTO counts with, to the nanosecond. h2/test_flow_auto.c has both over a line.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

static void begin(enum stream_flow flow, uint32_t window_bytes) {
  struct engine_config config = script_config();
  config.h2.flow = flow;
  config.h2.connection_window_bytes = window_bytes;
  config.h2.body_bytes_per_second_min = 0;
  config.h2.body_idle_ns = 3600 * SECOND_NS;
  script_begin(&script, H2_SERVER, &config, false);
}

static const struct window_credit *connection(void) {
  return &h2_of(&script.machine)->credit;
}

static const struct window_credit *upload(void) {
  return &((const struct h2_stream *)(const void *)script_app_of(&script, 1)->stream)->credit;
}

/* ---- the charge ------------------------------------------------------------------------------ */

/* Granted, held or about to be granted again: it is the same to the budget. */
static void test_charge(void **state) {
  (void)state;
  begin(FLOW_CONSUME, H2_WINDOW_BYTES_MIN);
  const uint64_t *charged = &script.engine.h2.window_bytes_charged;
  assert_int_equal(*charged, 0);
  script_run(&script, "HEADERS/H 1 [@post]; !mute");
  assert_int_equal(*charged, H2_WINDOW_BYTES_MIN);
  static const char *const steps[] = {"DATA 1 *16384", "DATA 1 *16384", "DATA 1 *16384",
                                      "DATA 1 *16382", "DATA 1 *1"};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    script_run(&script, steps[i]);
    assert_int_equal(*charged, H2_WINDOW_BYTES_MIN);
  }
  assert_int_equal(connection()->granted, 0);
  script_run(&script, "!listen; DATA/S 1 *1");
  assert_int_equal(*charged, 0); /* nothing is held */
  script_run(&script, "!respond 1 200; !end 1");
  assert_int_equal(*charged, 0);
  script_close(&script);
}

/* A budget that the connection's window exceeds alone: its streams share three quarters of it. */
static void test_streams_share_the_room(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.flow = FLOW_AUTO;
  config.h2.stream_window_bytes = 10000;
  config.h2.window_budget_bytes = 80000;
  static const uint32_t targets[] = {32767, 32767, 32767, 30000, 20000, 10000};
  for (unsigned count = 1; count <= sizeof targets / sizeof *targets; count++) {
    script_begin(&script, H2_SERVER, &config, false);
    for (unsigned id = 1; id < 2 * count; id += 2) {
      char step[64];
      snprintf(step, sizeof step, "HEADERS/H %u [@post]", id);
      script_run(&script, step);
    }
    script_run(&script, "DATA 1 *9");
    assert_int_equal(connection()->target, H2_WINDOW_BYTES_MIN);
    assert_int_equal(upload()->target, targets[count - 1]);
    script_close(&script);
  }
}

/* As long as the connection's window fits into the budget, it is the bound of its streams. */
static void test_room_for_the_connection(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.flow = FLOW_AUTO;
  config.h2.stream_window_bytes = 10000;
  config.h2.window_budget_bytes = 100000;
  config.h2.connection_window_bytes = 75000;
  script_begin(&script, H2_SERVER, &config, false);
  for (unsigned id = 1; id < 2 * 7; id += 2) {
    char step[64];
    snprintf(step, sizeof step, "HEADERS/H %u [@post]", id);
    script_run(&script, step);
  }
  script_run(&script, "DATA 1 *9");
  assert_int_equal(upload()->target, 75000 / 2);
  script_close(&script);
}

/* ---- handlers that keep up ------------------------------------------------------------------- */

/* The handler of stream 1 holds what comes. */
static struct stream *hold(uint32_t stream_window_bytes) {
  struct engine_config config = script_config();
  config.h2.flow = FLOW_AUTO;
  config.h2.stream_window_bytes = stream_window_bytes;
  script_begin(&script, H2_SERVER, &config, false);
  script_run(&script, "HEADERS/H 1 [@post]");
  struct stream *stream = script_app_of(&script, 1)->stream;
  stream->consume_later = true;
  return stream;
}

/* A stream's window widens once its handler holds no more than a quarter of it. */
static void test_quarter_of_a_stream(void **state) {
  (void)state;
  struct stream *stream = hold(10000);
  script_run(&script, "DATA 1 *5000");
  stream_consume(stream, 2499);
  assert_int_equal(upload()->target, 10000);
  stream_consume(stream, 1);
  assert_int_equal(upload()->target, H2_WINDOW_BYTES_MIN / 2);
  script_close(&script);
}

/* The connection's is measured while they hold no more than a quarter of it beside a frame. */
static void test_quarter_of_a_connection(void **state) {
  (void)state;
  const unsigned most = H2_WINDOW_BYTES_MIN / 4 + H2_FRAME_BYTES_DEFAULT;
  for (unsigned extra = 0; extra < 2; extra++) {
    struct stream *stream = hold(1 * MIB);
    char step[64];
    snprintf(step, sizeof step, "DATA 1 *16384; DATA 1 *%u", most + extra - 16384);
    script_run(&script, step);
    stream_consume(stream, 100);
    assert_int_equal(h2_of(&script.machine)->flow.sample_bytes, extra ? 0 : 100);
    script_close(&script);
  }
}

/* ---- credit ---------------------------------------------------------------------------------- */

static void test_echo_of_a_byte(void **state) {
  (void)state;
  begin(FLOW_ECHO, H2_WINDOW_BYTES_MIN);
  script_run(&script, "HEADERS/H 1 [@post]; DATA 1 *1");
  assert_int_equal(upload()->granted, 1 * MIB);
  assert_int_equal(script.connection_credit, H2_WINDOW_BYTES_MIN);
  script_close(&script);
}

/* A cap keeps back what has arrived and was consumed; without it, the peer gets it. */
static void test_cap_of_an_echo(void **state) {
  (void)state;
  begin(FLOW_ECHO, H2_WINDOW_BYTES_MIN);
  script_run(&script, "HEADERS/H 1 [@post]");
  struct stream *stream = script_app_of(&script, 1)->stream;
  stream_cap(stream, 1000);
  script_run(&script, "DATA 1 *16384");
  assert_int_equal(upload()->granted, 1 * MIB - 16384);
  stream_cap(stream, STREAM_UNCAPPED);
  script_pump(&script);
  assert_int_equal(upload()->granted, 1 * MIB);
  script_close(&script);
}

/* ---- the round trip -------------------------------------------------------------------------- */

#define PROBED "PING/A 0 x666c6f7763746c00"

/* The peer answers the probe that a byte provokes, `ns` later. */
static void measure(uint64_t ns) {
  script_clear(&script);
  script_run(&script, "DATA 1 *1");
  assert_non_null(strstr(script.log, "PING"));
  script.now_ns += ns;
  script_run(&script, PROBED);
}

/* Whether two frames with `ns` between them are taken for what one round trip brings. */
static bool is_one_sample(uint64_t ns) {
  const uint64_t *sample = &h2_of(&script.machine)->flow.sample_bytes;
  script.now_ns += H2_FLOW_ROUND_TRIP_NS_MAX + 1;
  script_run(&script, "DATA 1 *100");
  assert_int_equal(*sample, 100);
  script.now_ns += ns;
  script_run(&script, "DATA 1 *100");
  return *sample == 200;
}

static void assert_round_trip(uint64_t ns) {
  assert_true(is_one_sample(ns));
  assert_false(is_one_sample(ns + 1));
}

/* The shortest that was measured, as long as there is DATA; a new path after that. */
static void test_round_trip(void **state) {
  (void)state;
  begin(FLOW_AUTO, H2_WINDOW_BYTES_MIN);
  script_run(&script, "HEADERS/H 1 [@post]");
  measure(10 * MILLISECOND_NS);
  assert_round_trip(10 * MILLISECOND_NS);
  script_run(&script, PROBED); /* of the probe that went with that; it was slow */
  assert_round_trip(10 * MILLISECOND_NS);
  script_run(&script, PROBED);
  script.now_ns += H2_FLOW_PROBE_NS;
  measure(5 * MILLISECOND_NS);
  assert_round_trip(5 * MILLISECOND_NS);
  script_close(&script);
}

static void tick(uint64_t after_ns) {
  script.now_ns += after_ns;
  script.machine.ops->tick(script.machine.self, script.now_ns);
  script_pump(&script);
}

/* A window that became wider halves after H2_FLOW_IDLE_NS, and the path may be another one by then. */
static void test_new_path(void **state) {
  (void)state;
  begin(FLOW_AUTO, H2_WINDOW_BYTES_MIN);
  script_run(&script, "HEADERS/H 1 [@post]");
  measure(10 * MILLISECOND_NS);
  script_run(&script, "DATA 1 *16000");
  assert_true(connection()->target > H2_WINDOW_BYTES_MIN);
  tick(H2_FLOW_IDLE_NS);
  assert_int_equal(connection()->target, H2_WINDOW_BYTES_MIN);
  measure(50 * MILLISECOND_NS);
  assert_round_trip(50 * MILLISECOND_NS);
  script_close(&script);
}

/* With it, streams that are wider than a new one could become: not others, and not those with a cap. What
 * was about to be granted is charged no more. */
/* `first_bytes` is a new stream's window, below which none narrows. */
static void narrow_streams(uint32_t first_bytes, uint32_t narrowed_bytes) {
  struct engine_config config = script_config();
  config.h2.flow = FLOW_AUTO;
  config.h2.stream_window_bytes = first_bytes;
  config.h2.connection_window_bytes = 65536;
  config.h2.connection_window_bytes_max = 120000;
  config.h2.body_bytes_per_second_min = 0;
  config.h2.body_idle_ns = 3600 * SECOND_NS;
  script_begin(&script, H2_SERVER, &config, false);
  script_run(&script, "HEADERS/H 1 [@post]; HEADERS/H 3 [@post]; HEADERS/H 5 [@post]");
  stream_cap(script_app_of(&script, 5)->stream, 60000);
  script_run(&script, "DATA 1 *9000; DATA 1 *9000; DATA 1 *9000; DATA 1 *5000");
  const struct h2_stream *narrow = (void *)script_app_of(&script, 3)->stream;
  const struct h2_stream *capped = (void *)script_app_of(&script, 5)->stream;
  assert_int_equal(connection()->target, 120000);
  assert_int_equal(upload()->target, 60000);
  assert_int_equal(upload()->returnable, 5000);
  tick(H2_FLOW_IDLE_NS);
  assert_int_equal(connection()->target, 65536);
  assert_int_equal(upload()->target, narrowed_bytes);
  assert_int_equal(narrow->credit.target, first_bytes);
  assert_int_equal(capped->credit.target, 60000);
  assert_int_equal(upload()->returnable, 0);
  assert_int_equal(upload()->counted, upload()->granted);
  script_close(&script);
}

/* A connection that has ended is charged nothing. */
static void test_closed(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/H 1 [@post]; DATA 1 *100");
  assert_true(script.engine.h2.window_bytes_charged > 0);
  script_disconnect(&script);
  assert_int_equal(script.engine.h2.window_bytes_charged, 0);
  script_destroy(&script);
}

static void test_narrow_streams(void **state) {
  (void)state;
  narrow_streams(10000, 65536 / 2);
  narrow_streams(40000, 40000);
}

/* A window that cannot become wider needs no round trip. */
static void test_no_probe(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.flow = FLOW_AUTO;
  config.h2.connection_window_bytes_max = H2_WINDOW_BYTES_MIN;
  script_begin(&script, H2_SERVER, &config, false);
  script_run(&script, "HEADERS/H 1 [@post]; DATA 1 *9");
  assert_string_equal(script.log, "request 1 POST /hold, data 1 9");
  script_close(&script);
}

/* Silence is counted from the last DATA, also if it is of no use any more. */
static void test_silence(void **state) {
  (void)state;
  begin(FLOW_AUTO, H2_WINDOW_BYTES_MIN);
  script_run(&script, "HEADERS/H 1 [@post]; DATA 1 *16000");
  uint32_t wide = connection()->target;
  assert_true(wide > H2_WINDOW_BYTES_MIN);
  tick(H2_FLOW_IDLE_NS - 1);
  script_run(&script, "!reset 1 8; DATA 1 *1");
  tick(H2_FLOW_IDLE_NS - 1);
  assert_int_equal(connection()->target, wide);
  tick(1);
  assert_int_equal(connection()->target, H2_WINDOW_BYTES_MIN);
  script_close(&script);
}

/* A client is going to request something, so its window is wide from the start. */
static void test_first_width(void **state) {
  (void)state;
  for (int role = H2_SERVER; role <= H2_CLIENT; role++) {
    struct engine_config config = script_config();
    config.h2.connection_window_bytes = 1 * MIB;
    script_begin(&script, (enum h2_role)role, &config, false);
    assert_int_equal(connection()->target, role == H2_CLIENT ? 1 * MIB : H2_WINDOW_BYTES_MIN);
    script_close(&script);
  }
}

/* Only the answer to a probe is one. */
static void test_other_pings(void **state) {
  (void)state;
  begin(FLOW_AUTO, H2_WINDOW_BYTES_MIN);
  script_run(&script, "HEADERS/H 1 [@post]; " PROBED);
  assert_int_equal(h2_of(&script.machine)->flow.rtt_ns, 0);
  script_run(&script, "DATA 1 *1; PING/A 0 x666c6f7763746c01");
  assert_int_equal(h2_of(&script.machine)->flow.rtt_ns, 0);
  script.now_ns += 2 * H2_FLOW_PROBE_NS;
  script_clear(&script);
  script_run(&script, "DATA 1 *1"); /* the first probe is still unanswered */
  assert_string_equal(script.log, "data 1 1");
  script_close(&script);
}

/* And it does not answer the PING of a drain. */
static void test_probe_in_a_drain(void **state) {
  (void)state;
  begin(FLOW_AUTO, H2_WINDOW_BYTES_MIN);
  script_run(&script, "HEADERS/H 1 [@post]; DATA 1 *1; !drain");
  script_clear(&script);
  script_run(&script, PROBED);
  tick(0);
  assert_string_equal(script.log, "");
  script_run(&script, "PING/A 0 *8");
  tick(0);
  assert_string_equal(script.log, "GOAWAY 1 NO_ERROR");
  script_close(&script);
}

/* A window that cannot become smaller needs no deadline: those of an idle connection remain. */
static void test_deadline_at_rest(void **state) {
  (void)state;
  static const uint32_t widths[] = {1000, H2_WINDOW_BYTES_MIN,
                                    PEER_CONNECTION_WINDOW_BYTES_DEFAULT};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    begin(FLOW_AUTO, widths[i]);
    script_run(&script, "HEADERS/H 1 [@post]; DATA/S 1 *100; !respond 1 200; !end 1");
    const uint64_t since_ns = script.now_ns;
    assert_int_equal(script.machine.ops->deadline_ns(script.machine.self), since_ns + H2_REST_NS);
    script.now_ns += H2_REST_NS;
    script.machine.ops->tick(script.machine.self, script.now_ns);
    assert_int_equal(script.machine.ops->deadline_ns(script.machine.self), since_ns + PEER_IDLE_NS);
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_charge),
      cmocka_unit_test(test_streams_share_the_room),
      cmocka_unit_test(test_room_for_the_connection),
      cmocka_unit_test(test_quarter_of_a_stream),
      cmocka_unit_test(test_quarter_of_a_connection),
      cmocka_unit_test(test_closed),
      cmocka_unit_test(test_narrow_streams),
      cmocka_unit_test(test_no_probe),
      cmocka_unit_test(test_echo_of_a_byte),
      cmocka_unit_test(test_cap_of_an_echo),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_new_path),
      cmocka_unit_test(test_silence),
      cmocka_unit_test(test_first_width),
      cmocka_unit_test(test_other_pings),
      cmocka_unit_test(test_probe_in_a_drain),
      cmocka_unit_test(test_deadline_at_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
