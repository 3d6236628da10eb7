/*
 * spdy/test_budget.c - floods of what is legal: each is slowed down, and then ends the session; and the bounds of
 * what waits to be sent and of what is remembered.
 */
#include <stdio.h>
#include <string.h>

#include "engine/spdy/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/spdy_script.h"

static const struct spdy_session_config http = {0}, raw = {.raw = true};
static struct spdy_script script;

static bool reads(void) {
  return script.machine.ops->wants(script.machine.self) & MACHINE_RECV;
}

/* Sends the step until the session ends, as fast as it is read. Returns how often; `most` at most. */
static unsigned flood(const char *step, unsigned most) {
  unsigned sent = 0;
  while (sent < most && !script.done) {
    while (!script.done && !reads())
      spdy_script_run(&script, "!pass 10", 0);
    script.log_len = 0;
    script.stream_count = 0;
    if (script.done) break;
    spdy_script_run(&script, step, 0);
    sent++;
  }
  return sent;
}

static const struct flood {
  const char *name, *prepare, *step;
  size_t counter; /* of struct spdy_counters */
  uint32_t burst, per_second;
} floods[] = {
    {"PING", "", "PING 1", offsetof(struct spdy_counters, calmed_pings), PEER_PING_BURST,
     PEER_PING_PER_SECOND},
    {"SETTINGS", "", "SET 4=1", offsetof(struct spdy_counters, calmed_settings),
     PEER_SETTINGS_BURST, PEER_SETTINGS_PER_SECOND},
    {"unknown types", "", "RAW x800300ff00000000", offsetof(struct spdy_counters, calmed_glitches),
     PEER_GLITCH_BURST, PEER_GLITCH_PER_SECOND},
    {"empty DATA", "SYN 1 @post", "DATA 1 0", offsetof(struct spdy_counters, calmed_glitches),
     PEER_GLITCH_BURST, PEER_GLITCH_PER_SECOND},
    {"WINDOW_UPDATE by the byte", "SYN/S 1 @get", "WU 1 1",
     offsetof(struct spdy_counters, calmed_glitches), PEER_GLITCH_BURST, PEER_GLITCH_PER_SECOND},
    {"GOAWAY", "SYN/S 1 @get", "GOAWAY 0 0", offsetof(struct spdy_counters, calmed_glitches),
     PEER_GLITCH_BURST, PEER_GLITCH_PER_SECOND},
    {"RST_STREAM for nothing", "", "RST 1 5", offsetof(struct spdy_counters, calmed_glitches),
     PEER_GLITCH_BURST, PEER_GLITCH_PER_SECOND},
    {"DATA for nothing", "PING 1", "DATA 9 300", offsetof(struct spdy_counters, calmed_resets),
     PEER_RESET_BURST, PEER_RESET_PER_SECOND},
};

/* Pauses let a flood send at the budget's rate for a while: about PEER_SLOWED_NS of pauses and as much between. */
static void test_floods(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
    const struct flood *row = &floods[i];
    spdy_script_begin(&script, true, &http, NULL);
    spdy_script_run(&script, row->prepare, 0);
    unsigned sent = flood(row->step, 40000);
    const uint64_t *calmed =
        (const uint64_t *)((const char *)&script.engine.spdy.counters + row->counter);
    if (!script.done || *calmed != 1) fail_msg("%s: goes on after %u", row->name, sent);
    if (sent < row->burst) fail_msg("%s: ends after %u", row->name, sent);
    if (sent > row->burst + 40 * row->per_second + 12000)
      fail_msg("%s: ends after %u", row->name, sent);
    assert_non_null(strstr(script.log, "GOAWAY"));
    assert_int_equal(script.engine.spdy.counters.calmed, 1);
    assert_true(script.engine.spdy.counters.pauses > 0);
    spdy_script_close(&script);
  }
}

/* A request that was answered pays for one of each, at any rate, for longer than a flood would live. */
static void test_control_frames_with_each_request(void **state) {
  char step[96];
  (void)state;
  spdy_script_begin(&script, true, &http, NULL);
  for (unsigned i = 0; i < 2 * (PEER_PING_BURST + PEER_SETTINGS_BURST); i++) {
    const unsigned id = 2 * i + 1;
    (void)snprintf(step, sizeof step, "SYN/S %u @get; !respond %u 200 none; PING 1; SET 4=1", id,
                   id);
    assert_int_equal(flood(step, 1), 1);
  }
  assert_false(script.done);
  assert_int_equal(script.engine.spdy.counters.pauses, 0);
  spdy_script_close(&script);
}

/* SYN_STREAM and RST_STREAM by turns (CVE-2023-44487). */
static void test_rapid_resets(void **state) {
  char step[64];
  (void)state;
  spdy_script_begin(&script, true, &http, NULL);
  unsigned streams = 0;
  for (; !script.done && streams < 5000; streams++) {
    (void)snprintf(step, sizeof step, "SYN/S %u @get; RST %u 5", 2 * streams + 1, 2 * streams + 1);
    (void)flood(step, 1);
  }
  assert_true(script.done && streams >= PEER_RESET_BURST);
  assert_int_equal(script.engine.spdy.counters.calmed_resets, 1);
  spdy_script_close(&script);
}

/* The same with raw streams that were accepted is how tools end their connections. */
static void test_raw_resets_are_free(void **state) {
  char step[64];
  (void)state;
  spdy_script_begin(&script, true, &raw, NULL);
  for (unsigned i = 0; i < 3 * PEER_RESET_BURST; i++) {
    unsigned id = 2 * i + 1;
    (void)snprintf(step, sizeof step, "SYN %u a=b; !tunnel %u; RST %u 5; RST %u 5", id, id, id, id);
    assert_int_equal(flood(step, 1), 1);
  }
  assert_false(script.done);
  assert_int_equal(script.engine.spdy.counters.charged_resets, 0);
  assert_int_equal(script.engine.spdy.counters.glitches, 0);
  spdy_script_close(&script);
}

/* Frames for streams that have ended are free as long as streams pay for them. */
static void test_late_frames(void **state) {
  (void)state;
  spdy_script_begin(&script, true, &raw, NULL);
  spdy_script_run(&script, "SYN 1 a=b; !tunnel 1; !reset 1 5", 0);
  for (unsigned i = 0; i < SPDY_LATE_FREE_STREAM; i++)
    spdy_script_run(&script, "DATA 1 1", 0);
  assert_int_equal(script.engine.spdy.counters.glitches_late, 0);
  spdy_script_run(&script, "DATA 1 300; DATA 1 1", 0); /* a long one costs the peer more than us */
  assert_int_equal(script.engine.spdy.counters.glitches_late, 1);
  spdy_script_close(&script);
  assert_true(SPDY_LATE_FREE_MAX > 2 * SPDY_CLOSED_REMEMBERED);
}

/* Older streams are forgotten: what comes for them is an error then. */
static void test_remembered(void **state) {
  char step[64];
  (void)state;
  spdy_script_begin(&script, true, &raw, NULL);
  for (unsigned i = 0; i <= SPDY_CLOSED_REMEMBERED; i++) {
    (void)snprintf(step, sizeof step, "SYN %u a=b; !reset %u 5", 2 * i + 1, 2 * i + 1);
    (void)flood(step, 1);
  }
  script.log_len = 0;
  spdy_script_run(&script, "DATA 3 300; DATA 1 300", 0);
  assert_string_equal(script.log, "RST_STREAM 1 INVALID_STREAM");
  spdy_script_close(&script);
}

/* A peer that takes no replies is not read. */
static void test_queue(void **state) {
  (void)state;
  spdy_script_begin(&script, true, &raw, NULL);
  spdy_script_run(&script, "!mute", 0);
  unsigned sent = 0;
  for (; reads(); sent++) {
    spdy_script_run(&script, "PING 1", 0);
    script.now_ns += SECOND_NS; /* within the budget */
  }
  assert_int_equal(sent, SPDY_QUEUE_BYTES_MAX / SPDY_PING_BYTES + 1);
  spdy_script_run(&script, "!listen; !wants", 0);
  assert_non_null(strstr(script.log, "wants recv"));
  spdy_script_close(&script);
}

/* A server gives up on it. */
static void test_replies_that_are_not_taken(void **state) {
  (void)state;
  spdy_script_begin(&script, true, &http, NULL);
  spdy_script_run(&script, "!mute; PING 1; !pass 9990", 0);
  assert_int_equal(script.engine.spdy.counters.timeouts_replies, 0);
  spdy_script_run(&script, "!pass 10", 0);
  assert_int_equal(script.engine.spdy.counters.timeouts_replies, 1);
  spdy_script_run(&script, "!pass 1000", 0);
  assert_true(script.done);
  spdy_script_close(&script);
}

static void check_timeout(const char *text, size_t counter, uint64_t expected) {
  spdy_script_begin(&script, true, &http, NULL);
  spdy_script_run(&script, text, 0);
  uint64_t seen = *(const uint64_t *)((const char *)&script.engine.spdy.counters + counter);
  if (seen != expected) fail_msg("%s: %u", text, (unsigned)seen);
  spdy_script_close(&script);
}

/* The clocks of a server: frames that do not end, bodies that do not come, responses that are not taken. */
static void test_clocks(void **state) {
  (void)state;
  size_t frames = offsetof(struct spdy_counters, timeouts_frames);
  size_t bodies = offsetof(struct spdy_counters, timeouts_bodies);
  size_t output = offsetof(struct spdy_counters, timeouts_output);
  check_timeout("SYN/S 1 @get; RAW x8003; !pass 9990", frames, 0);
  check_timeout("SYN/S 1 @get; RAW x8003; !pass 10000", frames, 1);
  check_timeout("SYN 1 @post; !pass 4900", bodies, 0);
  check_timeout("SYN 1 @post; !pass 12000", bodies, 1);
  check_timeout("SYN 1 @post; !respond 1 200; !pass 60000", bodies, 0);
  check_timeout("SYN/S 1 @get; !respond 1 200; !mute; !send 1 9000; WU 1 9; !pass 19000", output,
                0);
  check_timeout("SYN/S 1 @get; !respond 1 200; !mute; !send 1 9000; WU 1 9; !pass 45000", output,
                1);
  check_timeout("SYN/S 1 @get; !respond 1 200; !send 1 999999; !pass 45000", output, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_floods),       cmocka_unit_test(test_control_frames_with_each_request),
      cmocka_unit_test(test_rapid_resets), cmocka_unit_test(test_raw_resets_are_free),
      cmocka_unit_test(test_late_frames),  cmocka_unit_test(test_remembered),
      cmocka_unit_test(test_queue),        cmocka_unit_test(test_replies_that_are_not_taken),
      cmocka_unit_test(test_clocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
