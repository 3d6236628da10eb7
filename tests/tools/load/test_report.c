/*
 * load/test_report.c - what `weir load` reports about a run, as text and as JSON, and that both
 * agree.
 */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tools/load/show.h"

static const struct load_options options = {.connections = 3, .streams = 2, .threads = 2};

/* A run of two seconds: 100 requests wanted, 90 started, 80 done. */
static struct load_report *fresh(void) {
  static struct load_report report;
  memset(&report, 0, sizeof report);
  report.options = &options;
  report.total = 100;
  report.workers = 2;
  report.busy[0] = 0.5;
  report.busy[1] = 0.25;
  struct load_stats *sum = &report.sum;
  sum->begin_ns = 1000000000;
  sum->end_ns = 3000000000;
  sum->connections_opened = 3;
  sum->requests.started = 90;
  sum->requests.done = 80;
  sum->requests.succeeded = 70;
  sum->requests.failed = 10;
  sum->requests.statuses[200] = 70;
  sum->requests.statuses[503] = 4;
  sum->requests.errored = 6;
  sum->requests.timeouts = 2;
  load_requests_error(&sum->requests, LOAD_TIMEOUT, 0, 2);
  load_requests_error(&sum->requests, LOAD_RESET, 7, 4);
  sum->requests.oldest_ns = 1500000;
  sum->requests.header_bytes = 100;
  sum->requests.header_plain_bytes = 400;
  sum->requests.wire_in = 5000;
  load_histogram_add(&sum->requests.latency, 100);
  load_histogram_add(&sum->requests.latency, 3000000000);
  load_stats_reason(sum, "the server closed the connection", 1);
  return &report;
}

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

static json_t *json_of(const struct load_report *report) {
  char *text;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  assert_non_null(to);
  assert_true(load_json_write(report, to));
  fclose(to);
  json_t *root = json_loads(text, 0, NULL);
  assert_non_null(root);
  free(text);
  return root;
}

static void expect(const char *text, const char *words) {
  if (!strstr(text, words)) fail_msg("'%s' is not in:\n%s", words, text);
}

static void test_words(void **state) {
  (void)state;
  const char *text = text_of(fresh());
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
  struct load_report *report = fresh();
  report->busy[1] = 0.96;
  expect(text_of(report), "warning: a thread was busy all the time");
  json_t *root = json_of(report);
  assert_true(
      json_is_true(json_object_get(json_object_get(root, "generator"), "perhaps_the_bottleneck")));
  json_decref(root);
  report->workers = 1;
  assert_null(strstr(text_of(report), "warning"));
}

static void test_open_loop(void **state) {
  static const struct load_options open = {.connections = 3, .rate = 50};
  (void)state;
  struct load_report *report = fresh();
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
  struct load_report *report = fresh();
  memset(&report->sum, 0, sizeof report->sum);
  report->total = 0;
  const char *text = text_of(report);
  expect(text, "finished in 0ns, 0.00 req/s");
  assert_null(strstr(text, "nan"));
  assert_null(strstr(text, "inf"));
  json_decref(json_of(report));
}

static json_int_t number(json_t *root, const char *object, const char *name) {
  json_t *value = json_object_get(json_object_get(root, object), name);
  if (!json_is_integer(value)) fail_msg("%s.%s is no integer", object, name);
  return json_integer_value(value);
}

static void test_json(void **state) {
  (void)state;
  json_t *root = json_of(fresh());
  assert_int_equal(number(root, "requests", "total"), 100);
  assert_int_equal(number(root, "requests", "in_flight"), 10);
  assert_int_equal(number(root, "requests", "never_started"), 10);
  assert_int_equal(number(root, "status", "5xx"), 4);
  assert_int_equal(number(root, "latency_ns", "min"), 100);
  assert_int_equal(number(root, "latency_ns", "max"), 3000000000);
  json_t *errors = json_object_get(root, "errors");
  assert_int_equal(json_array_size(errors), 2);
  json_t *reset = json_array_get(errors, 1);
  assert_string_equal(json_string_value(json_object_get(reset, "kind")), "reset");
  assert_int_equal(json_integer_value(json_object_get(reset, "code")), 7);
  assert_int_equal(json_integer_value(json_object_get(reset, "requests")), 4);
  json_decref(root);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),   cmocka_unit_test(test_busy), cmocka_unit_test(test_open_loop),
      cmocka_unit_test(test_nothing), cmocka_unit_test(test_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
