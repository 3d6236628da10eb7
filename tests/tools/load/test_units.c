/*
 * load/test_units.c - times, sizes and rates as text.
 */
#include "tests/support/cmocka.h"

#include "tools/load/units.h"

static void test_times(void **state) {
  static const struct {
    double ns;
    const char *text;
  } rows[] = {{0, "0ns"},          {999, "999ns"},      {999.6, "1.00us"},    {1234, "1.23us"},
              {99950, "100us"},    {999600, "1.00ms"},  {12345678, "12.3ms"}, {9.996e9, "10.0s"},
              {119.5e9, "120s"},   {120e9, "2m00s"},    {3599e9, "59m59s"},   {3600e9, "1h00m"},
              {90061e9, "25h01m"}, {9.994e6, "9.99ms"}, {9.996e6, "10.0ms"}};
  char text[LOAD_TEXT_BYTES];
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_string_equal(load_time_text(rows[i].ns, text), rows[i].text);
}

static void test_sizes(void **state) {
  static const struct {
    double bytes;
    const char *text;
  } rows[] = {{0, "0B"}, {999, "999B"}, {1000, "1.00KB"}, {1.5e6, "1.50MB"}, {3e15, "3000TB"}};
  char text[LOAD_TEXT_BYTES];
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_string_equal(load_bytes_text(rows[i].bytes, text), rows[i].text);
}

static void test_numbers(void **state) {
  static const struct {
    double number;
    const char *text;
  } rows[] = {{0, "0"},       {0.5, "0.50"},     {12.34, "12.3"},  {1234.5, "1234"},
              {9999, "9999"}, {9999.6, "10.0k"}, {81234, "81.2k"}, {999600, "1.00M"},
              {7, "7"},       {123456, "123k"},  {2.5e9, "2.50G"}, {99.97, "100"}};
  char text[LOAD_TEXT_BYTES];
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_string_equal(load_number_text(rows[i].number, text), rows[i].text);
}

static void test_counts(void **state) {
  char text[LOAD_TEXT_BYTES];
  (void)state;
  assert_string_equal(load_count_text(0, text), "0");
  assert_string_equal(load_count_text(999, text), "999");
  assert_string_equal(load_count_text(1000, text), "1,000");
  assert_string_equal(load_count_text(1234567, text), "1,234,567");
  assert_string_equal(load_count_text(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
