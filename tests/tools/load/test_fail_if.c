/*
 * load/test_fail_if.c - the conditions of --fail-if: how they are read, and what they judge.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/tools/load/example.h"
#include "tools/load/judge.h"

static bool parse(struct load_fail_if *fail_if, const char *text) {
  char why[200];
  const struct failure failure = {.text = why, .size = sizeof why};
  return load_fail_if_parse(fail_if, text, &failure);
}

static void test_wrong(void **state) {
  static const char *const rows[] = {
      "",           "p99",         "p99>",         "p99>20",   "p99>20x",    "p99=20ms",
      "p>1ms",      "p101>1ms",    "p9x>1ms",      "p.>1ms",   "q99>1ms",    "errors>1s",
      "errors>%",   "errors>-1",   "rate<99%%",    "rate<",    "late>1",     "late>1ms",
      "x:p99>1ms",  "stage:p9>1s", "stage0:p9>1s", "p99>>1ms", "stage1p>1s", "p99 >1 ms",
      "errors>0x1", "max>1m30"};
  struct load_fail_if fail_if;
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (parse(&fail_if, rows[i])) fail_msg("accepted: %s", rows[i]);
}

/* The example: 80 requests are done, ten of them have failed. Two latencies, of 100 ns and 3 s. 100 were
 * due in two seconds. One of four samples of lateness is late. */
static struct load_report *report_of(const char *condition, struct load_options *options) {
  struct load_report *report = example_report();
  *options = *report->options;
  options->rate = 50;
  options->fail_if_count = 1;
  if (!parse(&options->fail_ifs[0], condition)) fail_msg("refused: %s", condition);
  report->options = options;
  report->sum.requests.unsent = 10;
  report->self.late = 1;
  report->self.lateness.count = 4;
  return report;
}

static void test_values(void **state) {
  static const struct {
    const char *condition, *value;
    bool failed;
  } rows[] = {
      {"p99>20ms", "3.00s", true},      {"p99>4s", "3.00s", false},
      {"p99>3s", "3.00s", false},       {"p99>=3s", "3.00s", true},
      {"max<=3s", "3.00s", true},       {"max<3s", "3.00s", false},
      {"min<1us", "100ns", true},       {"p50<100us", "100ns", true},
      {"mean>1s", "1.50s", true},       {"errors>9", "10", true},
      {"errors>10", "10", false},       {"errors>12%", "12.5%", true},
      {"errors>12.5%", "12.5%", false}, {"rate<36", "35.0", true},
      {"rate<35", "35.0", false},       {"rate<70.1%", "70%", true},
      {"rate<70%", "70%", false},       {"late>24.9%", "25%", true},
      {"late>25%", "25%", false},       {"p99.9>1m30s", "3.00s", false},
  };
  static struct load_options options;
  static struct load_outcome outcomes[LOAD_OUTCOMES_MAX];
  char text[LOAD_TEXT_BYTES];
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(load_judge(report_of(rows[i].condition, &options), outcomes), 1);
    assert_string_equal(load_outcome_value(&outcomes[0], text), rows[i].value);
    if (outcomes[0].failed != rows[i].failed) fail_msg("%s", rows[i].condition);
  }
}

/* Nothing succeeded, so no latency is known, and the run is not good. */
static void test_unknown(void **state) {
  static const struct {
    const char *condition;
    bool failed;
  } rows[] = {{"p99>20ms", true}, {"mean<1s", true}, {"errors>1%", true}, {"late>1%", false}};
  static struct load_options options;
  static struct load_outcome outcomes[LOAD_OUTCOMES_MAX];
  char text[LOAD_TEXT_BYTES];
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct load_report *report = report_of(rows[i].condition, &options);
    memset(&report->sum, 0, sizeof report->sum);
    memset(&report->self, 0, sizeof report->self);
    assert_int_equal(load_judge(report, outcomes), 1);
    assert_string_equal(load_outcome_value(&outcomes[0], text), "unknown");
    if (outcomes[0].failed != rows[i].failed) fail_msg("%s", rows[i].condition);
  }
}

/* Three stages, of which the second takes no time and the third was not reached. */
static void test_stages(void **state) {
  static struct load_options options;
  static struct load_outcome outcomes[LOAD_OUTCOMES_MAX];
  static struct load_stage_report stage;
  char text[LOAD_CONDITION_BYTES];
  (void)state;
  struct load_report *report = report_of("stages:max>1ms", &options);
  options.stage_count = 3;
  options.stages[0].seconds = options.stages[2].seconds = 10;
  assert_true(parse(&options.fail_ifs[1], "stage1:errors>1"));
  options.fail_if_count = 2;
  memset(&stage, 0, sizeof stage);
  stage.sum.done = 9;
  stage.sum.failed = 2;
  load_histogram_add(&stage.sum.latency, 1000);
  report->stages = &stage;
  report->stage_count = 1;
  assert_int_equal(load_judge(report, outcomes), 3);
  assert_string_equal(load_outcome_condition(&outcomes[0], text), "stage3:max>1ms");
  assert_true(outcomes[0].failed && !outcomes[0].known);
  assert_string_equal(load_outcome_condition(&outcomes[1], text), "stage1:errors>1");
  assert_true(outcomes[1].failed && outcomes[1].value == 2);
  assert_string_equal(load_outcome_condition(&outcomes[2], text), "stage1:max>1ms");
  assert_true(!outcomes[2].failed && outcomes[2].value == 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wrong),
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_unknown),
      cmocka_unit_test(test_stages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
