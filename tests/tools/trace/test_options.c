/*
 * trace/test_options.c - the command line of `weir trace`.
 */
#include "tests/support/cmocka.h"
#include "tools/trace/options.h"

#include <stdio.h>
#include <string.h>

static enum options_result parse(const char *line, struct trace_options *options, char error[256]) {
  static char words[2000];
  static char *argv[40];
  int argc = 1;
  snprintf(words, sizeof words, "%s", line);
  argv[0] = (char *)"trace";
  for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
    assert_true(argc < 39);
    argv[argc++] = word;
  }
  argv[argc] = NULL;
  error[0] = 0;
  const struct failure failure = {.text = error, .size = 256};
  return trace_options_parse(options, argc, argv, &failure);
}

static void test_options(void **state) {
  (void)state;
  struct trace_options options;
  char error[256];
  assert_int_equal(parse("http://h/", &options, error), OPTIONS_RUN);
  assert_string_equal(options.profile->name, "chromium");
  assert_int_equal(options.rate_limit, 0);
  assert_int_equal(parse("-k -f --manifest m.json --profile safari --limit-rate 1.6M -o p.svg "
                         "--window 16K --connection-window 100000 -t 2.5 -H a:b "
                         "--compare https://i/ http://h/",
                         &options, error),
                   OPTIONS_RUN);
  assert_string_equal(options.profile->name, "safari");
  assert_int_equal(options.rate_limit, 1600000);
  assert_int_equal(options.stream_window_bytes, 16000);
  assert_int_equal(options.connection_window_bytes, 100000);
  assert_true(options.timeout_seconds == 2.5);
  assert_true(options.insecure && options.frames);
  assert_int_equal(options.url_count, 1);
  assert_string_equal(options.urls[0], "http://h/");
  assert_int_equal(parse("--help", &options, error), OPTIONS_HELP);
  assert_int_equal(parse("-V", &options, error), OPTIONS_VERSION);
  assert_int_equal(parse("--version", &options, error), OPTIONS_VERSION);
}

static void test_wrong_options(void **state) {
  static const struct {
    const char *line, *named;
  } rows[] = {
      {"", "no URL"},
      {"--nonsense http://h/", "--nonsense: no such option; see weir trace --help"},
      {"--frames -xf http://h/", "-x: no such option"},
      {"http://h/ -o", "-o needs a value"},
      {"-o page.png http://h/", "page.png"},
      {"-o .svg http://h/", ".svg"},
      {"-p opera http://h/", "opera"},
      {"-r 10 http://h/", "-r 10: expected"},
      {"--limit-rate 10 http://h/", "--limit-rate 10: expected"},
      {"-r 10X http://h/", "-r 10X"},
      {"-r -5K http://h/", "-r -5K"},
      {"-r 5KB http://h/", "-r 5KB"},
      {"-r nan http://h/", "-r nan"},
      {"--window 0 http://h/", "--window 0"},
      {"--window 2147483648 http://h/", "--window 2147483648"},
      {"--connection-window 65534 http://h/", "--connection-window 65534"},
      {"-t 0 http://h/", "-t 0"},
      {"-t nan http://h/", "-t nan"},
      {"-t 1x http://h/", "-t 1x"},
      {"-H nonsense http://h/", "-H nonsense"},
      {"-H :path:x http://h/", "-H :path"},
      {"-f --json http://h/", "--json http://h/: expected the name of a file"},
      {"--key-log http://h/", "--key-log http://h/: expected the name of a file"},
      {"--cacert http://h/", "--cacert http://h/: expected the name of a file"},
      {"-m http://h/", "-m http://h/: expected the name of a file"},
      {"-m a.json http://h/ http://i/", "one base URL"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct trace_options options;
    char error[256];
    assert_int_equal(parse(rows[i].line, &options, error), OPTIONS_WRONG);
    if (!strstr(error, rows[i].named)) fail_msg("%s: %s", rows[i].line, error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_wrong_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
