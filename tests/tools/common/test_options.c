/*
 * common/test_options.c - what all command lines share: how options are written, the errors about
 * wrong ones, numbers and times.
 */
#include "tests/support/cmocka.h"
#include "tools/common/option_values.h"
#include "tools/common/options.h"

#include <stdio.h>
#include <string.h>

enum { CODE_LONG = 1, CODE_HOPELESS };

static const struct option names[] = {
    {"number", required_argument, NULL, 'n'},
    {"synonym", required_argument, NULL, 'n'},
    {"seconds", required_argument, NULL, 's'},
    {"quiet", no_argument, NULL, 'q'},
    {"long", required_argument, NULL, CODE_LONG},
    {"hopeless", no_argument, NULL, CODE_HOPELESS},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

/* The parsed options as text. */
static char taken[256];

static void note(const char *format, double value) {
  size_t len = strlen(taken);
  snprintf(taken + len, sizeof taken - len, format, value);
}

static bool take(struct options *options, int code, char *value) {
  unsigned count;
  double seconds;
  switch (code) {
  case 'n':
    if (!options_count(options, 1, 9, &count)) return false;
    note("n%g ", count);
    return true;
  case 's':
    if (!options_seconds(options, &seconds)) return false;
    note("s%g ", seconds);
    return true;
  case 'q': note("q ", 0); return !value;
  case CODE_LONG:
    note("long ", 0);
    return strcmp(value, "x") == 0 || options_wrong(options, "no x");
  default: options->impossible = true; return failure_set(options->failure, "hopeless");
  }
}

static enum options_result read(const char *line, char error[128]) {
  static char words[256];
  static char *argv[16];
  const struct failure failure = {.text = error, .size = 128};
  struct options options = {.failure = &failure};
  int argc = 0;
  taken[0] = error[0] = 0;
  snprintf(words, sizeof words, "test %s", line);
  for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
    argv[argc++] = word;
  argv[argc] = NULL;
  enum options_result result = options_read(&options, argc, argv, names, take);
  for (int i = 0; result == OPTIONS_RUN && i < options.operand_count; i++) {
    strcat(taken, options.operands[i]);
    strcat(taken, " ");
  }
  return result;
}

static void test_lines(void **state) {
  static const struct {
    const char *line;
    enum options_result result;
    const char *taken, *error;
  } rows[] = {
      {"", OPTIONS_RUN, "", ""},
      {"-n 5", OPTIONS_RUN, "n5 ", ""},
      {"-n5 -q", OPTIONS_RUN, "n5 q ", ""},
      {"-qn5", OPTIONS_RUN, "q n5 ", ""},
      {"--number 5 --synonym=6", OPTIONS_RUN, "n5 n6 ", ""},
      {"a -q b", OPTIONS_RUN, "q a b ", ""},
      {"-q -- -n", OPTIONS_RUN, "q -n ", ""},
      {"--long x", OPTIONS_RUN, "long ", ""},
      {"--long y", OPTIONS_WRONG, "long ", "--long y: no x"},
      {"-n 0", OPTIONS_WRONG, "", "-n 0: expected a number from 1 to 9"},
      {"--number=10", OPTIONS_WRONG, "", "--number 10: expected a number from 1 to 9"},
      {"--number=", OPTIONS_WRONG, "", "--number \"\": expected a number from 1 to 9"},
      {"--synonym +5", OPTIONS_WRONG, "", "--synonym +5: expected a number from 1 to 9"},
      {"-n", OPTIONS_WRONG, "", "-n needs a value"},
      {"-q --number", OPTIONS_WRONG, "q ", "--number needs a value"},
      {"-x", OPTIONS_WRONG, "", "-x: no such option; see weir test --help"},
      {"-qx", OPTIONS_WRONG, "q ", "-x: no such option; see weir test --help"},
      {"--none", OPTIONS_WRONG, "", "--none: no such option; see weir test --help"},
      {"--quiet=1", OPTIONS_WRONG, "", "--quiet=1: that option takes no value"},
      {"--hopeless", OPTIONS_FAILED, "", "hopeless"},
      {"-q -h -x", OPTIONS_HELP, "q ", ""},
      {"--help", OPTIONS_HELP, "", ""},
      {"-V", OPTIONS_VERSION, "", ""},
      {"a --version", OPTIONS_VERSION, "", ""},
      {"-s 2", OPTIONS_RUN, "s2 ", ""},
      {"-s 2s", OPTIONS_RUN, "s2 ", ""},
      {"-s 1ms", OPTIONS_RUN, "s0.001 ", ""},
      {"-s .5m", OPTIONS_RUN, "s30 ", ""},
      {"-s 1us", OPTIONS_RUN, "s1e-06 ", ""},
      {"-s 24h", OPTIONS_RUN, "s86400 ", ""},
      {"-s 25h", OPTIONS_WRONG, "",
       "-s 25h: expected a time from 1us to 24h, such as 10, 500ms, 100us or 1m30s"},
      {"-s 0", OPTIONS_WRONG, "",
       "-s 0: expected a time from 1us to 24h, such as 10, 500ms, 100us or 1m30s"},
      {"-s nan", OPTIONS_WRONG, "",
       "-s nan: expected a time from 1us to 24h, such as 10, 500ms, 100us or 1m30s"},
      {"-s 1y", OPTIONS_WRONG, "",
       "-s 1y: expected a time from 1us to 24h, such as 10, 500ms, 100us or 1m30s"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char error[128];
    enum options_result result = read(rows[i].line, error);
    if (result != rows[i].result) fail_msg("%s: %d", rows[i].line, result);
    if (strcmp(taken, rows[i].taken) != 0) fail_msg("%s: took \"%s\"", rows[i].line, taken);
    if (strcmp(error, rows[i].error) != 0) fail_msg("%s: \"%s\"", rows[i].line, error);
  }
}

static void test_times(void **state) {
  static const struct {
    const char *text;
    double seconds; /* -1: refused */
  } rows[] = {
      {"0", 0},         {"10", 10},    {"1.5", 1.5},  {".5s", 0.5},     {"100us", 100 * 1e-6},
      {"250ms", 0.25},  {"1m30s", 90}, {"1h", 3600},  {"1h1m1s", 3661}, {"24h", 86400},
      {"1s500ms", 1.5}, {"0s", 0},     {"", -1},      {"s", -1},        {"1m30", -1},
      {"1 s", -1},      {"1S", -1},    {"1e3", -1},   {"0x10", -1},     {"1.2.3", -1},
      {"-1", -1},       {"inf", -1},   {"1d", -1},    {"24h1s", -1},    {"1sm", -1},
      {".", -1},        {"1m30x", -1}, {"86401", -1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double seconds = -1;
    bool good = option_seconds(rows[i].text, &seconds);
    if (good != (rows[i].seconds >= 0) || seconds != rows[i].seconds)
      fail_msg("%s: %.9f", rows[i].text, seconds);
  }
}

static void test_rates(void **state) {
  static const struct {
    const char *text;
    double rate; /* -1: refused */
  } rows[] = {
      {"1", 1},        {"0.5", 0.5},   {"2k", 2000},        {"1.5M", 1.5e6},
      {"2k/s", 2000},  {"30/1m", 0.5}, {"30/m", 0.5},       {"6/1m30s", 6.0 / 90},
      {"5/500ms", 10}, {"7/10", 0.7},  {"1/h", 1.0 / 3600}, {"0", -1},
      {"", -1},        {"/s", -1},     {"5/", -1},          {"5/0", -1},
      {"5/x", -1},     {"5s", -1},     {"5/s/s", -1},       {"5/sm", -1},
      {"1e3", -1},     {"-1", -1},     {"nan", -1},         {"5/2x", -1},
      {"5kk", -1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double rate = -1;
    bool good = option_rate(rows[i].text, &rate);
    if (good != (rows[i].rate >= 0) || rate != rows[i].rate)
      fail_msg("%s: %.9f", rows[i].text, rate);
  }
}

static void test_long_names(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    char text[OPTION_FIELD_NAME_BYTES + 8], name[OPTION_FIELD_NAME_BYTES];
    struct header field;
    snprintf(text, sizeof text, "%0*d: A", OPTION_FIELD_NAME_BYTES - 1 + extra, 1);
    assert_int_equal(option_field_read(text, name, &field), !extra);
  }
}

/* A text that does not fit is cut, whichever part is too long. */
static void test_cut(void **state) {
  (void)state;
  char text[8];
  const struct failure failure = {.text = text, .size = sizeof text};
  struct options options = {.failure = &failure, .option = "-n", .value = "1"};
  assert_false(options_wrong(&options, "wrong"));
  assert_string_equal(text, "-n 1: w");
  options.value = "123456789";
  assert_false(options_wrong(&options, "wrong"));
  assert_string_equal(text, "-n 1234");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lines), cmocka_unit_test(test_times),      cmocka_unit_test(test_rates),
      cmocka_unit_test(test_cut),   cmocka_unit_test(test_long_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
