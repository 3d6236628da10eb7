/*
 * h2/test_limits_time.c - each deadline of h2/limits.h and base/limits.h, to the nanosecond: nothing happens
 * one nanosecond before it, and at it the peer is told. h2/test_clocks.c tests what renews a
 * deadline.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>

static struct script script;

static uint64_t deadline(void) {
  return script.machine.ops->deadline_ns(script.machine.self);
}

/* Time passes, with a tick at each deadline on the way. */
static void pass(uint64_t ns) {
  uint64_t end = script.now_ns + ns;
  while (deadline() <= end) {
    if (deadline() > script.now_ns) script.now_ns = deadline();
    script.machine.ops->tick(script.machine.self, script.now_ns);
    script_pump(&script);
  }
  script.now_ns = end;
}

static void begin(enum h2_role role, const struct engine_config *config, bool bare,
                  const char *text) {
  script_begin(&script, role, config, bare);
  script_run(&script, text);
  script.log[script.log_len = 0] = '\0';
}

/* ---- one deadline each ----------------------------------------------------------------------- */

/* The connections and streams that a deadline ended, in all counters. */
static uint64_t ended(void) {
  const struct engine_counters counters = engine_counters(&script.engine);
  return counters.h2.timeouts + counters.http.idled + counters.h2.hushed;
}

static const struct row {
  const char *name;
  const char *before; /* the time runs from its last step */
  uint64_t ns;
  uint64_t late_ns;  /* it is checked only so often: the extra time that may pass */
  const char *after; /* the events and frames at that time, and not before */
  bool bare;
} rows[] = {
    {"PEER_PREFACE_NS", "RAW x505249", PEER_PREFACE_NS, 0, "GOAWAY 0 PROTOCOL_ERROR", true},
    {"PEER_PREFACE_NS, SETTINGS", "RAW ~magic", PEER_PREFACE_NS, 0, "GOAWAY 0 PROTOCOL_ERROR",
     true},
    {"H2_SETTINGS_ACK_NS", "RAW ~magic; SETTINGS 0", H2_SETTINGS_ACK_NS, 0,
     "GOAWAY 0 SETTINGS_TIMEOUT", true},
    {"PEER_HEADER_BLOCK_NS, a frame", "RAW x00000806", PEER_HEADER_BLOCK_NS, 0,
     "GOAWAY 0 ENHANCE_YOUR_CALM", false},
    {"PEER_HEADER_BLOCK_NS, a block", "HEADERS/S 1 [@get]", PEER_HEADER_BLOCK_NS, 0,
     "GOAWAY 0 ENHANCE_YOUR_CALM", false},
    {"PEER_BODY_IDLE_NS", "HEADERS/H 1 [@post]; DATA 1 *9000", PEER_BODY_IDLE_NS, PEER_TICK_NS,
     "closed 1 CANCEL, RST_STREAM 1 CANCEL", false},
    {"PEER_BODY_GRACE_NS", "HEADERS/H 1 [@post]", PEER_BODY_GRACE_NS, SECOND_NS,
     "closed 1 CANCEL, RST_STREAM 1 CANCEL", false},
    {"PEER_STREAM_IDLE_NS", "HEADERS/H 1 [@post]; !respond 1 200", PEER_STREAM_IDLE_NS,
     PEER_TICK_NS, "closed 1 CANCEL, RST_STREAM 1 CANCEL", false},
    {"PEER_SEND_STALL_NS",
     "SETTINGS 0 s4=0; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9000; WU 1 =1",
     PEER_SEND_STALL_NS, 0, "closed 1 ENHANCE_YOUR_CALM, GOAWAY 1 ENHANCE_YOUR_CALM", false},
    {"PEER_IDLE_NS", "", PEER_IDLE_NS, 0, "GOAWAY 0 NO_ERROR", false},
    {"PEER_LINGER_IDLE_NS", "HEADERS/H 1 [@post]; !respond 1 200; !end 1", PEER_LINGER_IDLE_NS, 0,
     "RST_STREAM 1 NO_ERROR", false},
};

static void test_deadlines(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct row *row = &rows[i];
    print_message("%s\n", row->name);
    begin(H2_SERVER, NULL, row->bare, row->before);
    pass(row->ns - 1);
    assert_int_equal(ended(), 0);
    assert_string_equal(script.log, "");
    pass(1 + row->late_ns);
    assert_int_equal(ended(), 1);
    assert_string_equal(script.log, row->after);
    script.machine.ops->tick(script.machine.self, ++script.now_ns);
    assert_int_equal(ended(), 1); /* once */
    script_close(&script);
  }
}

/* Replies wait, since the peer does not read. It learns of the end when it does. */
static void test_control_stall(void **state) {
  (void)state;
  begin(H2_SERVER, NULL, false, "!mute; PING 0 *8");
  pass(PEER_CONTROL_STALL_NS - 1);
  assert_int_equal(ended(), 0);
  pass(1);
  assert_int_equal(script.engine.h2.counters.timeouts_replies, 1);
  script_run(&script, "!listen");
  assert_string_equal(script.log, "PING ack, GOAWAY 0 ENHANCE_YOUR_CALM");
  script_close(&script);
}

/* GOAWAY has this long to be sent. Then the connection is over even if it was not. */
static void test_farewell(void **state) {
  (void)state;
  begin(H2_SERVER, NULL, false, "!mute; DATA 0 *1");
  pass(PEER_FAREWELL_NS - 1);
  assert_false(script_done(&script));
  pass(1);
  assert_true(script_done(&script));
  script_close(&script);
}

/* The second GOAWAY follows even if the PING after the first is not answered. */
static void test_drain(void **state) {
  (void)state;
  begin(H2_SERVER, NULL, false, "HEADERS/SH 1 [@hold]; !drain");
  pass(H2_DRAIN_NS - 1);
  assert_string_equal(script.log, "");
  pass(1);
  assert_string_equal(script.log, "GOAWAY 1 NO_ERROR");
  script_close(&script);
}

/* Bodies are checked at this interval, and not at every frame. */
static void test_tick(void **state) {
  (void)state;
  begin(H2_SERVER, NULL, false, "HEADERS/H 1 [@post]");
  pass(0);
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(deadline(), script.now_ns + PEER_TICK_NS);
    pass(PEER_TICK_NS / 2);
    script_run(&script, "DATA 1 *2000");
    assert_int_equal(deadline(), script.now_ns + PEER_TICK_NS / 2);
    pass(PEER_TICK_NS / 2);
  }
  script_close(&script);
}

/* ---- rates ----------------------------------------------------------------------------------- */

/* How many seconds a request's body survives at a rate in bytes per second. */
static unsigned body_seconds(unsigned bytes_per_second, unsigned most) {
  char step[32];
  snprintf(step, sizeof step, "DATA 1 *%u", bytes_per_second);
  begin(H2_SERVER, NULL, false, "HEADERS/H 1 [@post]");
  unsigned seconds = 0;
  for (; seconds < most && script.engine.h2.counters.timeouts_bodies == 0; seconds++) {
    script.log[script.log_len = 0] = '\0';
    script_run(&script, step);
    pass(SECOND_NS);
  }
  script_close(&script);
  return seconds;
}

/* At a byte per second less, it uses up what the grace period has lent, and no more. */
static void test_body_rate(void **state) {
  (void)state;
  const unsigned lent = PEER_BODY_BYTES_PER_SECOND_MIN * (unsigned)(PEER_BODY_GRACE_NS / SECOND_NS);
  assert_int_equal(body_seconds(PEER_BODY_BYTES_PER_SECOND_MIN, lent + 10), lent + 10);
  assert_in_range(body_seconds(PEER_BODY_BYTES_PER_SECOND_MIN - 1, lent + 10), lent, lent + 1);
}

/* A peer takes `bytes` of a response, including frame headers, in the measured interval. */
static uint64_t ended_after_taking(unsigned bytes) {
  char step[32];
  snprintf(step, sizeof step, "WU 1 =%u", bytes - H2_FRAME_HEADER_BYTES);
  begin(H2_SERVER, NULL, false,
        "SETTINGS 0 s4=0 s5=1000000; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 65000");
  pass(PEER_SEND_STALL_NS / 2);
  script.frame_bytes_max = 1000000;
  script_run(&script, step);
  pass(PEER_SEND_STALL_NS / 2);
  uint64_t count = script.engine.h2.counters.timeouts_output;
  script_close(&script);
  return count;
}

static void test_send_rate(void **state) {
  (void)state;
  const unsigned least =
      PEER_SEND_BYTES_PER_SECOND_MIN * (unsigned)(PEER_SEND_STALL_NS / SECOND_NS);
  assert_int_equal(ended_after_taking(least), 0);
  assert_int_equal(ended_after_taking(least - 1), 1);
}

/* A complete response to an incomplete request: that many bytes of the rest are silently dropped. */
static void test_linger_bytes(void **state) {
  (void)state;
  begin(H2_SERVER, NULL, false, "HEADERS/H 1 [@post]; !respond 1 200; !end 1");
  for (unsigned left = PEER_LINGER_BYTES; left > 0; left -= 4096)
    script_run(&script, "DATA 1 *4096");
  assert_string_equal(script.log, "");
  script_run(&script, "DATA 1 *1");
  assert_string_equal(script.log, "RST_STREAM 1 NO_ERROR");
  script_close(&script);
}

/* The rest is read as long as it comes, but not for ever. */
static void test_linger_time(void **state) {
  (void)state;
  const uint64_t step_ns = PEER_LINGER_IDLE_NS * 8 / 10;
  begin(H2_SERVER, NULL, false, "HEADERS/H 1 [@post]; !respond 1 200; !end 1");
  for (uint64_t passed_ns = step_ns; passed_ns < PEER_LINGER_NS; passed_ns += step_ns) {
    pass(step_ns);
    script_run(&script, "DATA 1 *1");
  }
  pass(PEER_LINGER_NS % step_ns - 1);
  assert_string_equal(script.log, "");
  pass(1);
  assert_string_equal(script.log, "RST_STREAM 1 NO_ERROR");
  script_close(&script);

  begin(H2_SERVER, NULL, false, "HEADERS/H 1 [@post]; !respond 1 200; !end 1");
  pass(step_ns);
  script_run(&script, "DATA 1 *1");
  pass(PEER_LINGER_IDLE_NS - 1);
  assert_string_equal(script.log, "");
  pass(1);
  assert_string_equal(script.log, "RST_STREAM 1 NO_ERROR");
  script_close(&script);
}

/* A server may be set to accept slower bodies and longer silences than by default. */
static void test_settings_of_bodies(void **state) {
  (void)state;
  struct engine_config config = engine_config_default();
  config.h2.body_bytes_per_second_min = 0;
  config.h2.body_idle_ns = 60 * SECOND_NS;
  begin(H2_SERVER, &config, false, "HEADERS/H 1 [@post]; DATA 1 *10");
  pass(59 * SECOND_NS);
  assert_int_equal(ended(), 0);
  pass(2 * SECOND_NS);
  assert_int_equal(ended(), 1);
  script_close(&script);
  config.h2.conversation_idle_ns = 400 * SECOND_NS;
  begin(H2_SERVER, &config, false, "HEADERS/H 1 [@post]; !respond 1 200");
  pass(400 * SECOND_NS);
  assert_int_equal(ended(), 0);
  pass(2 * SECOND_NS);
  assert_int_equal(ended(), 1);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_settings_of_bodies),
      cmocka_unit_test(test_deadlines),
      cmocka_unit_test(test_control_stall),
      cmocka_unit_test(test_farewell),
      cmocka_unit_test(test_drain),
      cmocka_unit_test(test_tick),
      cmocka_unit_test(test_body_rate),
      cmocka_unit_test(test_send_rate),
      cmocka_unit_test(test_linger_bytes),
      cmocka_unit_test(test_linger_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
