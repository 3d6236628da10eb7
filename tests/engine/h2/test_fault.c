/*
 * h2/test_fault.c - what engine/h2/fault.h promises of errors and charges, and what is counted.
 * h2/test_budget.c has the ways of peers to earn them.
 */
#include "engine/h2/fault.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;
static struct h2 *h2;
static struct h2_counters *counters;

static void begin(enum h2_role role) {
  script_begin(&script, role, NULL, false);
  h2 = h2_of(&script.machine);
  counters = &script.engine.h2.counters;
}

/* Only the first error is told (RFC 9113 section 5.4.1), and nothing is charged after it. */
static void test_first_error(void **state) {
  (void)state;
  begin(H2_SERVER);
  uint64_t kind = 0;
  const struct budget full = h2->pings;
  h2_fail(h2, H2_INTERNAL_ERROR, "first");
  h2_fail(h2, H2_ENHANCE_YOUR_CALM, "second");
  assert_false(h2_charge(h2, &h2->pings, &kind, "third"));
  assert_memory_equal(&h2->pings, &full, sizeof full);
  script_pump(&script);
  assert_string_equal(script.log, "GOAWAY 0 INTERNAL_ERROR");
  assert_int_equal(counters->failed, 1);
  assert_int_equal(counters->calmed + counters->pauses + kind, 0);
  script_close(&script);
}

static void test_failures_counted(void **state) {
  (void)state;
  static const struct {
    const char *text;
    unsigned failed, compression, calmed;
  } rows[] = {
      {"DATA 0 *1", 1, 0, 0},
      {"HEADERS/SH 1 [#99]", 1, 1, 0},
      {"PRIORITY 5 d5/16", 1, 0, 0}, /* of a stream that cannot be reset */
      {"HEADERS/S 1 [@get]; CONT 1", 0, 0, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin(H2_SERVER);
    script_run(&script, rows[i].text);
    assert_true(script.goaway);
    assert_int_equal(counters->failed, rows[i].failed);
    assert_int_equal(counters->failed_compression, rows[i].compression);
    assert_int_equal(counters->calmed, rows[i].calmed);
    script_close(&script);
  }
}

static void test_charges_counted(void **state) {
  (void)state;
  begin(H2_SERVER);
  script_run(&script, "T200 0 *8; HEADERS/SH 1 [@hold]; RST 1 =8");
  assert_int_equal(counters->glitches, 1);
  assert_int_equal(counters->glitches_unknown, 1);
  assert_int_equal(counters->charged_resets, 1);
  assert_int_equal(counters->calmed, 0);
  script_close(&script);
}

/* The frame that finds no token is still handled: every stream that a limit forbids is refused. */
static void test_last_frame_is_handled(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.concurrent_streams = 1;
  script_begin(&script, H2_SERVER, &config, false);
  h2 = h2_of(&script.machine);
  counters = &script.engine.h2.counters;
  script_run(&script, "HEADERS/SH 1 [@hold]");
  unsigned refused = 0;
  for (uint32_t id = 3; !h2->pause.on; id += 2, refused++) {
    char step[64];
    script_clear(&script);
    snprintf(step, sizeof step, "HEADERS/SH %u [@hold]", id);
    script_run(&script, step);
    assert_non_null(strstr(script.log, "REFUSED_STREAM"));
  }
  assert_int_equal(refused, PEER_GLITCH_BURST + 1);
  assert_int_equal(script.engine.http.counters.refused, refused);
  assert_int_equal(counters->pauses, 1);
  script_close(&script);
}

/* A client may get what it has asked for at any time after it reset the stream. */
static void test_late_at_a_client(void **state) {
  (void)state;
  begin(H2_CLIENT);
  script_run(&script, "!request /a; !reset 1 8; !tick 60000; HEADERS/H 1 [@ok]; DATA/S 1 *9");
  assert_false(script.goaway);
  assert_int_equal(counters->glitches, 0);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_first_error),      cmocka_unit_test(test_failures_counted),
      cmocka_unit_test(test_charges_counted),  cmocka_unit_test(test_last_frame_is_handled),
      cmocka_unit_test(test_late_at_a_client),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
