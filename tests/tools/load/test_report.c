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
  expect(text, "passed: p99>20s (3.00s)\n");
  text += strcspn(text, "\n") + 1;
  assert_true(strncmp(text, "70 of 100 requests succeeded in 2.00s: 35/s, p99 3.00s\n", 55) == 0);
  expect(text, "\nlimited by the server\n");
  expect(text, "\nweir load -D 2.5 https://localhost:8443/\n");
  expect(text, "\nrequests    90 started, 70 succeeded, 10 failed\n"
               "            10 unfinished at the end, the oldest after 1.50ms\n"
               "            10 never started\n");
  expect(text, "\nstatuses    200 (70), 503 (4)\n");
  expect(text, "\nerrors      2 requests: timed out\n"
               "            4 requests: the server sent RST_STREAM (REFUSED_STREAM)\n"
               "            1 connection: the server closed the connection\n");
  expect(text,
         "\nreceived    5.00KB, 2.50KB/s: bodies 0B, headers 100B (75.0% saved), TLS 1.00KB\n");
  expect(text, "the busiest thread 50%\n");
  expect(text, "\nlatency         100ns  100ns  3.00s  3.00s  3.00s  3.00s  3.00s  3.00s  3.00s\n");
  assert_null(strstr(text, "warning"));
  assert_null(strstr(text, "unsent"));
  assert_null(strstr(text, "since sent"));
}

/* A thread that was always busy may have been the bottleneck. That comes first. */
static void test_busy(void **state) {
  static const struct load_options free = {.connections = 3};
  (void)state;
  struct load_report *report = example_report();
  report->busy[1] = LOAD_BUSY + 0.01;
  report->options = &free;
  const char *text = text_of(report);
  assert_true(strncmp(text, "warning: a thread was busy all the time", 39) == 0);
  expect(text, "limited by weir load itself\n");
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
  report->self.crowded = 3;
  load_histogram_add(&report->sum.requests.service, 1000);
  const char *text = text_of(report);
  assert_true(
      strncmp(text, "INTERRUPTED: 70 of 100 requests succeeded in 2.00s: 35/s of 50/s", 64) == 0);
  expect(text, "\n            5 due but unsent at the end\n"
               "            7 of them waited longer than the median; the latency includes them\n"
               "            3 found no free stream or connection when due: raise -c or -m; if\n");
  expect(text, "\n  since sent  ");
}

/* Nouns and pronouns of a single one. */
static void test_one(void **state) {
  (void)state;
  struct load_report *report = example_report();
  struct load_requests *counts = &report->sum.requests;
  report->total = counts->started = 1;
  counts->succeeded = counts->done = counts->failed = 0;
  counts->waiting = 1;
  report->self.throttled = 1;
  load_self_notice(&report->self, 0, 0, 20000000);
  const char *text = text_of(report);
  expect(text, "\n0 of 1 request succeeded in 2.00s: 0/s");
  expect(text, "\nrequests    1 started, 0 succeeded, 0 failed\n");
  expect(text, "            1 of them waited longer than the median; the latency includes it\n");
  expect(text, "\nCause: its cgroup's CPU quota was used up 1 time, for 0.00 s\n");
}

/* An open loop of two seconds at 50/s: 100 requests of 100 ms each, so that five are in flight at any
 * time. */
static struct load_report *steady(void) {
  static const struct load_options open = {.connections = 1, .rate = 50};
  struct load_report *report = example_report();
  struct load_requests *counts = &report->sum.requests;
  memset(&report->self, 0, sizeof report->self);
  load_requests_forget(counts);
  report->options = &open;
  counts->started = 100;
  counts->done = counts->succeeded = 95;
  for (unsigned i = 0; i < 95; i++)
    load_histogram_add(&counts->latency, 100000000);
  return report;
}

static void expect_limit(const struct load_report *report, const char *limit) {
  if (strcmp(load_verdict_limit(report), limit) != 0)
    fail_msg("%s, not %s", load_verdict_limit(report), limit);
}

static void test_limits(void **state) {
  (void)state;
  struct load_report *report = steady();
  expect_limit(report, "none");
  report->sum.requests.timeouts = 2; /* of 100 */
  expect_limit(report, "server");

  report = steady();
  report->sum.requests.done = report->sum.requests.succeeded = 80; /* 20 hang */
  expect_limit(report, "server");

  report = steady();
  report->self.crowded = 1;
  expect_limit(report, "none");
  report->self.crowded = 2;
  expect_limit(report, "streams");

  report->workers = 3; /* for two seconds */
  report->self.input_ns = (uint64_t)(LOAD_INPUT_PART * 6e9);
  expect_limit(report, "streams");
  report->self.input_ns += 1000;
  expect_limit(report, "input");

  load_self_notice(&report->self, 0, 0, 1100000000);
  expect_limit(report, "generator");
}

/* A server that answers nothing: a generator that is a little late does not explain it. One that slept for most of
 * the run does, and so does one response. */
static void test_silence(void **state) {
  (void)state;
  struct load_report *report = steady();
  struct load_requests *counts = &report->sum.requests;
  load_requests_forget(counts);
  counts->started = 100;
  counts->done = counts->failed = counts->errored = 40;
  report->self.crowded = 50;
  for (unsigned i = 0; i < 10; i++)
    load_self_notice(&report->self, 0, 0, 20000000);
  expect_limit(report, "server");

  counts->errored = 39;
  expect_limit(report, "generator");

  counts->errored = 40;
  load_self_notice(&report->self, 0, 0, 1100000000); /* of two seconds */
  expect_limit(report, "generator");

  memset(&report->self, 0, sizeof report->self);
  report->self.input_ns = 2000000000;
  expect_limit(report, "input");

  memset(&report->self, 0, sizeof report->self);
  memset(counts, 0, sizeof *counts); /* nothing was due */
  expect_limit(report, "none");
}

/* The warning is the first line, since it makes the others doubtful. */
static void test_late(void **state) {
  (void)state;
  struct load_report *report = steady();
  for (unsigned i = 0; i < 96; i++)
    load_self_notice(&report->self, 0, 0, 1000);
  for (unsigned i = 0; i < 4; i++)
    load_self_notice(&report->self, 0, 0, 20000000);
  report->self.throttled = 3;
  const char *text = text_of(report);
  const char *first =
      "warning: weir load itself was late by more than 1ms for 4.0% of the requests\n"
      "  (p99 20.0ms, max 20.0ms), so the times below are partly its own\n"
      "Cause: its cgroup's CPU quota was used up 3 times, for 0.00 s\n";
  if (strncmp(text, first, strlen(first)) != 0) fail_msg("%s", text);
}

/* Nothing happened, in no time: nothing is divided by zero. */
static void test_nothing(void **state) {
  (void)state;
  struct load_report *report = example_report();
  memset(&report->sum, 0, sizeof report->sum);
  report->total = 0;
  const char *text = text_of(report);
  expect(text, "0 of 0 requests succeeded in 0ns: 0/s\n");
  expect(text, "\nstatuses    none\n");
  assert_null(strstr(text, "nan"));
  assert_null(strstr(text, "inf"));
}

static unsigned most_columns(const char *text, unsigned *lines) {
  size_t most = 0, len;
  for (*lines = 0; *text; text += len + 1, ++*lines) {
    len = strcspn(text, "\n");
    if (len > most) most = len;
  }
  return (unsigned)most;
}

/* Everything that can be shown, with numbers as large as they come. */
static struct load_report *large_report(void) {
  struct load_report *report = example_report();
  struct load_requests *counts = &report->sum.requests;
  counts->started = counts->done = counts->succeeded = report->total = UINT64_C(1) << 47;
  counts->started += 1000000;
  counts->failed = counts->wire_in = counts->wire_out = counts->retried = UINT64_C(1) << 46;
  counts->oldest_ns = 86400 * UINT64_C(1000000000);
  report->total += 2000000;
  report->fairness.connections = 9;
  report->fairness.max = UINT64_C(1) << 47;
  for (unsigned i = 200; i < 210; i++)
    counts->statuses[i] = UINT64_C(1) << 40;
  for (unsigned i = 0; i < LOAD_ERROR_ROWS_MAX; i++)
    load_requests_error(counts, LOAD_GOAWAY, i, 1);
  load_stats_reason(&report->sum,
                    "a server may send a text that is long, \x1b[31m red, and has no end "
                    "on this line of the report",
                    false, 1);
  const struct load_histogram *latency = &counts->latency;
  counts->service = counts->first_byte = counts->failed_latency = *latency;
  report->sum.connect = report->sum.handshake = report->self.lateness = *latency;
  return report;
}

static void test_eighty_columns(void **state) {
  unsigned lines;
  (void)state;
  assert_true(most_columns(text_of(example_report()), &lines) <= LOAD_PAGE_COLUMNS);
  assert_true(lines <= 24);
  const char *text = text_of(large_report());
  if (most_columns(text, &lines) > LOAD_PAGE_COLUMNS) fail_msg("too wide:\n%s", text);
  if (lines > 48) fail_msg("too long:\n%s", text);
  assert_null(strchr(text, 0x1b));
}

/* LOAD_PAGE_ERRORS kinds are listed, and the rest is counted. */
static void test_many_errors(void **state) {
  (void)state;
  struct load_report *report = example_report();
  for (unsigned i = 3; i < LOAD_PAGE_ERRORS; i++)
    load_requests_error(&report->sum.requests, LOAD_GOAWAY, i, 1);
  assert_null(strstr(text_of(report), "other kind"));
  load_requests_error(&report->sum.requests, LOAD_GOAWAY, 100, 1);
  expect(text_of(report), "\n            and 1 other kind: see --json\n");
  load_requests_error(&report->sum.requests, LOAD_GOAWAY, 101, 1);
  expect(text_of(report), "\n            and 2 other kinds: see --json\n");
}

/* Over HTTP/1.1 nothing is compressed. Connections that were replaced are not "each". */
static void test_exceptions(void **state) {
  (void)state;
  struct load_report *report = example_report();
  report->sum.requests.header_plain_bytes = report->sum.requests.header_bytes;
  report->fairness = (struct load_fairness){.connections = 2, .min = 30, .max = 40};
  expect(text_of(report), "headers 100B, TLS");
  expect(text_of(report), "\n            requests on each of 2 and those in its place: 30 to 40\n");
  report->fairness.connections = 3;
  expect(text_of(report), "\n            requests on each: 30 to 40\n");
}

/* --batch-wait is told beside the latency that may include it. */
static void test_batch_wait(void **state) {
  static struct load_options options;
  (void)state;
  struct load_report *report = example_report();
  options = *report->options;
  options.batch_wait_seconds = 30e-6;
  report->options = &options;
  expect(text_of(report), "(up to 30.0us");
}

/* Each number stands in its own column. */
static void test_stages(void **state) {
  (void)state;
  struct load_report *report = example_report();
  struct load_stage_report stages[] = {
      {.text = "2s:500", .asked = 500, .sum = {.end_ns = 2000000000, .backlog = 3}},
      {.text = "1s:0", .asked = 250}};
  stages[0].sum.started = 510;
  stages[0].sum.done = 480;
  stages[0].sum.failed = 40;
  load_histogram_add(&stages[0].sum.latency, 100);
  report->stages = stages;
  report->stage_count = 2;
  expect(text_of(report),
         "\nstages             asked  started success/s  failed    p50    p99    max backlog\n"
         "  2s:500             500      510       220      40  100ns  100ns  100ns       3\n"
         "  1s:0               250        0         0       0      -      -      -       0\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),       cmocka_unit_test(test_busy),
      cmocka_unit_test(test_open_loop),   cmocka_unit_test(test_one),
      cmocka_unit_test(test_nothing),     cmocka_unit_test(test_eighty_columns),
      cmocka_unit_test(test_many_errors), cmocka_unit_test(test_limits),
      cmocka_unit_test(test_late),        cmocka_unit_test(test_exceptions),
      cmocka_unit_test(test_batch_wait),  cmocka_unit_test(test_stages),
      cmocka_unit_test(test_silence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
