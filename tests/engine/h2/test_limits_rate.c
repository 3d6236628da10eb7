/*
 * h2/test_limits_rate.c - the rates of engine/base/limits.h: how much a peer may make us do at
 * once, how much is refilled over time, and which frames are free. h2/test_budget.c has the ways to
 * spend a budget.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;
static uint32_t next_id;

/* Runs a step `times` times, with `$` for a new stream's identifier each time. */
static void repeat(const char *text, unsigned times) {
  for (; times > 0; times--, next_id += 2) {
    char step[256];
    size_t len = 0;
    for (const char *at = text; *at; at++)
      len += (size_t)(*at == '$' ? snprintf(step + len, sizeof step - len, "%u", (unsigned)next_id)
                                 : snprintf(step + len, sizeof step - len, "%c", *at));
    script.log[script.log_len = 0] = '\0';
    script.app_count = 0;
    script_run(&script, step);
  }
}

static void begin(const char *text) {
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, text);
  next_id = 11;
}

/* ---- budgets --------------------------------------------------------------------------------- */

static const struct budget_row {
  const char *name, *step;
  unsigned burst, per_second;
} budgets[] = {
    {"PEER_GLITCH_*", "T200 0 *8", PEER_GLITCH_BURST, PEER_GLITCH_PER_SECOND},
    {"PEER_RESET_*", "HEADERS/SH $ [@hold]; RST $ =8", PEER_RESET_BURST, PEER_RESET_PER_SECOND},
    {"PEER_PING_*", "PING 0 *8", PEER_PING_BURST, PEER_PING_PER_SECOND},
    {"PEER_SETTINGS_*", "SETTINGS 0", PEER_SETTINGS_BURST, PEER_SETTINGS_PER_SECOND},
};

/* Spends all at once, then the refill of two seconds, then one too many; then reading pauses. */
static void test_budgets(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
    const struct budget_row *row = &budgets[i];
    const struct h2_counters *counters = &script.engine.h2.counters;
    print_message("%s\n", row->name);
    begin("");
    repeat(row->step, row->burst);
    script_run(&script, "!tick 2000");
    repeat(row->step, 2 * row->per_second);
    assert_int_equal(counters->pauses, 0);
    repeat(row->step, 1);
    assert_int_equal(counters->pauses, 1);
    assert_int_equal(counters->slowed, 1);
    assert_false(script.goaway);
    script_close(&script);
  }
}

/* ---- what pays for them ---------------------------------------------------------------------- */

/* Frames of that kind until reading pauses, beyond the budget. Ends the connection. */
static unsigned earned(const struct budget_row *row) {
  unsigned count = 0;
  for (; script.engine.h2.counters.pauses == 0; count++)
    repeat(row->step, 1);
  script_close(&script);
  return count - 1 - row->burst;
}

/* A request that was answered pays for frames of any kind, but for resets. */
static void test_earned_by_answers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
    const bool resets = budgets[i].burst == PEER_RESET_BURST;
    begin("");
    repeat("HEADERS/SH $ [:method=HEAD :scheme=http :authority=a :path=/none]", 5);
    assert_int_equal(earned(&budgets[i]), resets ? 0 : 5 * PEER_EARNED_ANSWER);
    begin("");
    repeat("HEADERS/SH $ [:method=HEAD :scheme=http :authority=a :path=/none]", PEER_EARNED_MAX);
    assert_int_equal(earned(&budgets[i]), resets ? 0 : PEER_EARNED_MAX);
  }
}

static void test_earned_by_data(void **state) {
  (void)state;
  for (size_t i = 2; i < sizeof budgets / sizeof *budgets; i++) {
    begin("HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 1; !send 1 1");
    assert_int_equal(earned(&budgets[i]), 2 * PEER_EARNED_DATA);
  }
}

/* At any rate, for longer than a flood would live. */
static void test_control_frames_with_each_request(void **state) {
  (void)state;
  begin("");
  repeat("HEADERS/SH $ [@get]; PING 0 *8; SETTINGS 0; T200 0 *8",
         2 * (PEER_PING_BURST + PEER_GLITCH_BURST));
  assert_int_equal(script.engine.h2.counters.pauses, 0);
  script_close(&script);
}

/* SETTINGS may move the windows of all streams, so they are dearer with many of them. */
static void test_settings_with_many_streams(void **state) {
  (void)state;
  const struct budget_row *row = &budgets[3];
  begin("");
  repeat("HEADERS/SH $ [@hold]", PEER_SETTINGS_STREAMS);
  repeat("HEADERS/SH $ [:method=HEAD :scheme=http :authority=a :path=/none]", 5);
  assert_int_equal(earned(row), 5 * PEER_EARNED_ANSWER / 2);
}

/* Empty DATA frames in a row; one with a byte in it begins a new row. */
static void test_empty_data(void **state) {
  (void)state;
  begin("HEADERS/H 1 [@post]");
  repeat("DATA 1", PEER_EMPTY_DATA_FREE);
  repeat("DATA 1 *1", 1);
  repeat("DATA 1", PEER_EMPTY_DATA_FREE);
  assert_int_equal(script.engine.h2.counters.glitches_data, 0);
  repeat("DATA 1", 1);
  assert_int_equal(script.engine.h2.counters.glitches_data, 1);
  script_close(&script);
}

/* One for each frame, whatever it is charged for. */
static void test_counted_once(void **state) {
  (void)state;
  const struct h2_counters *counters = &script.engine.h2.counters;
  begin("");
  repeat("PING 0 *8", 3);
  assert_int_equal(counters->charged_pings, 3);
  repeat("HEADERS/SH $ [@hold]; RST $ =8", 2);
  assert_int_equal(counters->resets_received, 2);
  script_close(&script);
}

/* ---- WINDOW_UPDATE --------------------------------------------------------------------------- */

/* Returns how many frames go through before one is a glitch. Ends the connection. */
static unsigned free_frames(const char *step, const uint64_t *glitches) {
  unsigned count = 0;
  assert_int_equal(*glitches, 0);
  for (; *glitches == 0; count++)
    repeat(step, 1);
  assert_false(script.goaway);
  script_close(&script);
  return count - 1;
}

static unsigned free_updates(void) {
  return free_frames("WU 0 =1", &script.engine.h2.counters.glitches_updates);
}

static void test_free_updates(void **state) {
  (void)state;
  begin("");
  assert_int_equal(free_updates(), PEER_UPDATES_FREE);
  begin("HEADERS/SH 1 [@hold]; HEADERS/SH 3 [@hold]");
  assert_int_equal(free_updates(), PEER_UPDATES_FREE + 2 * PEER_UPDATES_FREE_STREAM);
}

/* DATA of ours pays for credit: less if the credit was so small that the frame had to be. */
static unsigned free_updates_after_data(unsigned window, unsigned bytes) {
  char step[64];
  snprintf(step, sizeof step, "SETTINGS 0 s4=%u; HEADERS/SH 1 [@hold]; !respond 1 200", window);
  begin(step);
  snprintf(step, sizeof step, "!send 1 %u", bytes);
  script_run(&script, step);
  return free_updates();
}

static void test_free_updates_of_data(void **state) {
  (void)state;
  const unsigned others = PEER_UPDATES_FREE + PEER_UPDATES_FREE_STREAM;
  const unsigned small = PEER_DATA_BYTES_SMALL - 1;
  assert_int_equal(free_updates_after_data(small, small), others + PEER_UPDATES_SMALL_DATA);
  assert_int_equal(free_updates_after_data(small + 1, small), others + PEER_UPDATES_FREE_DATA);
  assert_int_equal(free_updates_after_data(small + 1, small + 1), others + PEER_UPDATES_FREE_DATA);
}

/* A client whose window is a byte, and that grants the next when it has come, is read at a pace: it is slowed for as
 * long as it goes on, and never ended. */
static void test_small_windows(void **state) {
  (void)state;
  const struct h2_counters *counters = &script.engine.h2.counters;
  char tick[32];
  begin("SETTINGS 0 s4=0; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 100000");
  repeat("WU 1 =1", PEER_UPDATES_FREE + PEER_UPDATES_FREE_STREAM);
  repeat("WU 1 =1", PEER_UPDATES_SMALL_BURST);
  assert_int_equal(counters->pauses, 0);
  repeat("WU 1 =1", 1);
  assert_int_equal(counters->pauses, 1);
  snprintf(tick, sizeof tick, "!tick %u", (unsigned)(PEER_PAUSE_NS / MILLISECOND_NS));
  const unsigned paced = (unsigned)(PEER_UPDATES_SMALL_PER_SECOND * PEER_PAUSE_NS / SECOND_NS);
  for (unsigned pauses = 1; pauses < 4 * PEER_SLOWED_NS / PEER_PAUSE_NS; pauses++) {
    script_run(&script, tick);
    repeat("WU 1 =1", paced + 1);
    assert_int_equal(counters->pauses, pauses + 1);
  }
  assert_int_equal(counters->slowed, 0);
  assert_int_equal(counters->glitches, 0);
  assert_false(script.goaway);
  script_close(&script);
}

/* Credit for more frames than came is useless, however small they were. */
static void test_small_windows_end(void **state) {
  (void)state;
  begin("SETTINGS 0 s4=1; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 1");
  repeat("WU 0 =1", PEER_UPDATES_FREE + PEER_UPDATES_FREE_STREAM + PEER_UPDATES_SMALL_DATA);
  assert_int_equal(script.engine.h2.counters.glitches_updates, 0);
  repeat("WU 0 =1", 1);
  assert_int_equal(script.engine.h2.counters.glitches_updates, 1);
  script_close(&script);
}

/* The saved amount is bounded, both by streams and by DATA. */
static void test_free_updates_end(void **state) {
  (void)state;
  begin("");
  repeat("HEADERS/SH $ [@get]", PEER_UPDATES_FREE_MAX / PEER_UPDATES_FREE_STREAM + 9);
  assert_in_range(free_updates(), PEER_UPDATES_FREE_MAX,
                  PEER_UPDATES_FREE_MAX + PEER_UPDATES_FREE_STREAM - 1);
  begin("HEADERS/SH 1 [@hold]; !respond 1 200; WU 0 =10000000; WU 1 =10000000");
  for (unsigned i = 0; i < PEER_UPDATES_FREE_MAX / PEER_UPDATES_FREE_DATA + 9; i++)
    script_run(&script, "!send 1 256");
  assert_in_range(free_updates(), PEER_UPDATES_FREE_MAX,
                  PEER_UPDATES_FREE_MAX + PEER_UPDATES_FREE_DATA - 1);
}

/* ---- PRIORITY -------------------------------------------------------------------------------- */

/* On a closed stream, so that the scheduler, which has its own bound SCHED_CHURN_BURST, does not
 * see it. */
static unsigned free_priorities(void) {
  return free_frames("PU 0 =1 x753d31", &script.engine.h2.counters.glitches_priorities);
}

static void test_free_priorities(void **state) {
  (void)state;
  begin("HEADERS/SH 1 [@get]");
  assert_int_equal(free_priorities(), H2_PRIORITIES_FREE + H2_PRIORITIES_FREE_STREAM);
  begin("HEADERS/SH 1 [@get]; HEADERS/SH 3 [@hold]");
  assert_int_equal(free_priorities(), H2_PRIORITIES_FREE + 2 * H2_PRIORITIES_FREE_STREAM);
}

static void test_free_priorities_end(void **state) {
  (void)state;
  begin("HEADERS/SH 1 [@get]");
  repeat("HEADERS/SH $ [@get]", H2_PRIORITIES_FREE_MAX / H2_PRIORITIES_FREE_STREAM + 9);
  assert_in_range(free_priorities(), H2_PRIORITIES_FREE_MAX,
                  H2_PRIORITIES_FREE_MAX + H2_PRIORITIES_FREE_STREAM - 1);
}

/* More than the streams can use: a glitch, though free ones are left. */
static void test_priorities_that_the_scheduler_refuses(void **state) {
  (void)state;
  static const char *const steps[] = {"PRIORITY 3 d0/16", "PU 0 =3 x753d31"};
  for (size_t i = 0; i < 2; i++) {
    begin("");
    h2_of(&script.machine)->sched.churn_left = 1;
    repeat(steps[i], 1);
    assert_int_equal(script.engine.h2.counters.glitches_priorities, 0);
    repeat(steps[i], 1);
    assert_int_equal(script.engine.h2.counters.glitches_priorities, 1);
    script_close(&script);
  }
}

/* Priorities that are wrong, and not only too many. */
static void test_wrong_priorities(void **state) {
  (void)state;
  begin("");
  repeat("PU 0 =2 x753d31", 1);
  assert_string_equal(script.log, "GOAWAY 0 PROTOCOL_ERROR"); /* a push that is not promised */
  script_close(&script);
}

/* On a stream that has ended: a WINDOW_UPDATE counts as one more of them, others are late. */
static void test_useless_frames(void **state) {
  (void)state;
  const struct h2_counters *counters = &script.engine.h2.counters;
  begin("HEADERS/SH 1 [@get]");
  repeat("WU 1 =1", PEER_UPDATES_FREE + PEER_UPDATES_FREE_STREAM + PEER_UPDATES_FREE_DATA);
  assert_int_equal(counters->glitches_updates, 0);
  repeat("WU 1 =1", 1);
  assert_int_equal(counters->glitches_updates, 1);
  assert_int_equal(counters->glitches_late, 0);
  repeat("RST 1 =8", 1);
  assert_int_equal(counters->glitches_updates, 1);
  assert_int_equal(counters->glitches_late, 1);
  script_close(&script);
}

/* Frames for a stream that the server has reset. Each reset allows a number of them, while the
 * client may not know of it. */
static void test_late_frames(void **state) {
  (void)state;
  static const char *const steps[] = {"DATA 1 *1", "HEADERS/H 1 [@post]"};
  const uint64_t *late = &script.engine.h2.counters.glitches_late;
  for (size_t i = 0; i < 2; i++) {
    begin("HEADERS/H 1 [@post]; WU 1 =0"); /* a stream error */
    repeat(steps[i], H2_LATE_FREE_RESET);
    assert_int_equal(*late, 0);
    repeat(steps[i], 1);
    assert_int_equal(*late, 1);
    script_close(&script);

    begin("HEADERS/H 1 [@post]; WU 1 =0");
    script_run(&script, "!tick 2000"); /* H2_LATE_NS */
    repeat(steps[i], 1);
    assert_int_equal(*late, 0);
    script_run(&script, "!tick 1");
    repeat(steps[i], 1);
    assert_int_equal(*late, 1);
    script_close(&script);
  }
  _Static_assert(H2_LATE_NS == 2 * SECOND_NS, "the tick above");
}

/* They are saved, up to a maximum. */
static void test_late_frames_end(void **state) {
  (void)state;
  const uint64_t *late = &script.engine.h2.counters.glitches_late;
  begin("");
  repeat("HEADERS/H $ [@post]; WU $ =0", H2_LATE_FREE_MAX / H2_LATE_FREE_RESET + 1);
  unsigned count = 0;
  for (; *late == 0; count++)
    repeat("DATA 11 *1", 1);
  assert_int_equal(count, H2_LATE_FREE_MAX + 1);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_budgets),
      cmocka_unit_test(test_earned_by_answers),
      cmocka_unit_test(test_earned_by_data),
      cmocka_unit_test(test_control_frames_with_each_request),
      cmocka_unit_test(test_settings_with_many_streams),
      cmocka_unit_test(test_counted_once),
      cmocka_unit_test(test_empty_data),
      cmocka_unit_test(test_free_updates),
      cmocka_unit_test(test_free_updates_of_data),
      cmocka_unit_test(test_small_windows),
      cmocka_unit_test(test_small_windows_end),
      cmocka_unit_test(test_free_updates_end),
      cmocka_unit_test(test_free_priorities),
      cmocka_unit_test(test_free_priorities_end),
      cmocka_unit_test(test_priorities_that_the_scheduler_refuses),
      cmocka_unit_test(test_wrong_priorities),
      cmocka_unit_test(test_useless_frames),
      cmocka_unit_test(test_late_frames),
      cmocka_unit_test(test_late_frames_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
