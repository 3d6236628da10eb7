/*
 * load/test_report.c - what `weir load` reports about a run, as text.
 */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "tests/tools/load/example.h"

static char *text_of(const struct load_report *report) {
  static char *text;
  size_t size;
  free(text);
  FILE *to = open_memstream(&text, &size);
  assert_non_null(to);
  load_text_write(report, to);
  fclose(to);
  return text;
}

static void expect(const char *text, const char *words) {
  if (!strstr(text, words)) fail_msg("'%s' is not in:\n%s", words, text);
}

static void test_words(void **state) {
  (void)state;
  const char *text = text_of(example_report());
  expect(text, "finished in 2.00s, 35.00 req/s, 5.00 failed/s, 2.50KB/s\n");
  expect(text, "requests: 100 total, 90 started, 80 done, 70 succeeded, 10 failed, 6 errored, 2 "
               "timeout\n");
  expect(text, "  10 were in flight at the end, the oldest for 1.50ms\n");
  expect(text, "  10 were never started\n");
  expect(text, "status codes: 70 2xx, 0 3xx, 0 4xx, 4 5xx\n");
  expect(text, "headers (space savings 75.00%)");
  expect(text, "  2 requests: timed out\n");
  expect(text, "  4 requests: the server sent RST_STREAM (REFUSED_STREAM)\n");
  expect(text, "  1 connections: the server closed the connection\n");
  expect(text, "the busiest thread 50%\n");
  assert_null(strstr(text, "warning"));
  assert_null(strstr(text, "not yet sent"));
  assert_null(strstr(text, "since sent"));
}

/* A thread that was always busy may have been the bottleneck. */
static void test_busy(void **state) {
  (void)state;
  struct load_report *report = example_report();
  report->busy[1] = 0.96;
  expect(text_of(report), "warning: a thread was busy all the time");
  report->workers = 1;
  assert_null(strstr(text_of(report), "warning"));
}

static void test_open_loop(void **state) {
  static const struct load_options open = {.connections = 3, .rate = 50};
  (void)state;
  struct load_report *report = example_report();
  report->options = &open;
  report->sum.interrupted = true;
  report->sum.requests.unsent = 5;
  report->sum.requests.waiting = 7;
  load_histogram_add(&report->sum.requests.service, 1000);
  const char *text = text_of(report);
  expect(text, "interrupted");
  expect(text, "  5 were due but unsent at the end");
  expect(text,
         "  7 unfinished ones had waited longer than the median; the latencies include them\n");
  expect(text, "since sent:");
}

/* Nothing happened, in no time: nothing is divided by zero. */
static void test_nothing(void **state) {
  (void)state;
  struct load_report *report = example_report();
  memset(&report->sum, 0, sizeof report->sum);
  report->total = 0;
  const char *text = text_of(report);
  expect(text, "finished in 0ns, 0.00 req/s");
  assert_null(strstr(text, "nan"));
  assert_null(strstr(text, "inf"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),
      cmocka_unit_test(test_busy),
      cmocka_unit_test(test_open_loop),
      cmocka_unit_test(test_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
