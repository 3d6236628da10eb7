/*
 * report/test_values.c - numbers as short texts.
 */
#include "tests/support/cmocka.h"

#include "tools/report/values.h"

static void test_times(void **state) {
  (void)state;
  static const struct {
    double ns;
    const char *text, *difference;
  } rows[] = {
      {0, "0ns", "0ns"},           {950, "950ns", "+950ns"},       {0.6, "1ns", "+1ns"},
      {1000, "1.00us", "+1.00us"}, {999.6, "1.00us", "+1.00us"},   {12345, "12.3us", "+12.3us"},
      {123456, "123us", "+123us"}, {9.996e6, "10.0ms", "+10.0ms"}, {-1500000, "-1.50ms", "-1.50ms"},
      {61e9, "61.0s", "+61.0s"},   {-125e9, "-2m05s", "-2m05s"},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[REPORT_TEXT_BYTES];
    assert_string_equal(report_time_text(rows[i].ns, text), rows[i].text);
    assert_string_equal(report_time_difference(rows[i].ns, text), rows[i].difference);
  }
}

static void test_counts(void **state) {
  (void)state;
  char text[REPORT_TEXT_BYTES];
  assert_string_equal(report_count_text(0, text), "0");
  assert_string_equal(report_count_text(999, text), "999");
  assert_string_equal(report_count_text(4560, text), "4560");
  assert_string_equal(report_count_text(12345, text), "12.3k");
  assert_string_equal(report_count_text(4560000, text), "4.56M");
  assert_string_equal(report_count_text(7.8e9, text), "7.80G");
  assert_string_equal(report_share_text(0, text), "0.00%");
  assert_string_equal(report_share_text(0.00001, text), "<0.01%");
  assert_string_equal(report_share_text(0.0123, text), "1.23%");
}

static void test_changes(void **state) {
  (void)state;
  static const struct {
    double from, to;
    const char *text;
  } rows[] = {
      {100, 100, "="},     {100, 103.4, "+3.4%"}, {100, 50, "-50%"}, {100, 99.95, "-0.05%"},
      {100, 250, "+150%"}, {1, 5000, "x5000"},    {0, 5, ""},        {0, 0, "="},
      {100, 0, "-100%"},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[REPORT_TEXT_BYTES];
    assert_string_equal(report_change_text(rows[i].from, rows[i].to, text), rows[i].text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_counts),
      cmocka_unit_test(test_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
