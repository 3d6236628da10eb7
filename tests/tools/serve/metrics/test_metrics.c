/*
 * serve/metrics/test_metrics.c - the text of metrics in both forms, and which of them a client gets.
 */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "tools/serve/metrics/accept.h"
#include "tools/serve/metrics/page.h"

/* ---- families and samples -------------------------------------------------------------------- */

static const struct request_histogram histogram = {
    .counts = {[0] = 3, [2] = 1, [REQUEST_BUCKETS] = 2}, .sum = 1500000000};

static void write_all(struct metrics_text *text) {
  metrics_family(text, "a", METRIC_COUNTER, "One.");
  metrics_count(text, "x=\"y\"", 7);
  metrics_family(text, "b_bytes", METRIC_GAUGE, "Two.");
  metrics_count(text, NULL, UINT64_MAX);
  metrics_family(text, "c_seconds", METRIC_GAUGE, "Three.");
  metrics_seconds(text, NULL, 2050000000);
  metrics_family(text, "d", METRIC_INFO, "Four.");
  metrics_count(text, "v=\"1\"", 1);
  metrics_end(text);
}

static char *written(enum metrics_form form, void (*write)(struct metrics_text *text)) {
  char *bytes = NULL;
  size_t len = 0;
  struct metrics_text text = {.out = open_memstream(&bytes, &len), .form = form};
  assert_non_null(text.out);
  write(&text);
  fclose(text.out);
  return bytes;
}

static void test_families(void **state) {
  (void)state;
  char *open = written(METRICS_OPEN, write_all), *old = written(METRICS_PROMETHEUS, write_all);
  assert_string_equal(open, "# HELP a One.\n# TYPE a counter\na_total{x=\"y\"} 7\n"
                            "# HELP b_bytes Two.\n# TYPE b_bytes gauge\n# UNIT b_bytes bytes\n"
                            "b_bytes 18446744073709551615\n"
                            "# HELP c_seconds Three.\n# TYPE c_seconds gauge\n"
                            "# UNIT c_seconds seconds\nc_seconds 2.05\n"
                            "# HELP d Four.\n# TYPE d info\nd_info{v=\"1\"} 1\n# EOF\n");
  assert_string_equal(old, "# HELP a_total One.\n# TYPE a_total counter\na_total{x=\"y\"} 7\n"
                           "# HELP b_bytes Two.\n# TYPE b_bytes gauge\n"
                           "b_bytes 18446744073709551615\n"
                           "# HELP c_seconds Three.\n# TYPE c_seconds gauge\nc_seconds 2.05\n"
                           "# HELP d_info Four.\n# TYPE d_info gauge\nd_info{v=\"1\"} 1\n");
  free(open);
  free(old);
}

static void write_histogram(struct metrics_text *text) {
  metrics_family(text, "h_seconds", METRIC_HISTOGRAM, "H.");
  metrics_histogram(text, &histogram, request_duration_bounds_ns, 1000000000);
}

/* Buckets are cumulative. Numbers are written as OpenMetrics has them: 1.0, not 1. */
static void test_histogram(void **state) {
  (void)state;
  char *text = written(METRICS_OPEN, write_histogram);
  const char *lines[] = {
      "# TYPE h_seconds histogram\n",
      "h_seconds_bucket{le=\"0.0001\"} 3\n",
      "h_seconds_bucket{le=\"0.0005\"} 3\n",
      "h_seconds_bucket{le=\"0.001\"} 4\n",
      "h_seconds_bucket{le=\"1.0\"} 4\n",
      "h_seconds_bucket{le=\"10.0\"} 4\n",
      "h_seconds_bucket{le=\"+Inf\"} 6\n",
      "h_seconds_sum 1.5\n",
      "h_seconds_count 6\n",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    if (!strstr(text, lines[i])) fail_msg("%s is not in %s", lines[i], text);
  free(text);
}

static void test_labels(void **state) {
  (void)state;
  char out[16];
  assert_string_equal(metrics_label(out, sizeof out, "a b"), "a b");
  assert_string_equal(metrics_label(out, sizeof out, "\"\\\n"), "\\\"\\\\\\n");
  assert_string_equal(metrics_label(out, sizeof out, "0123456789abcdefgh"), "0123456789abcd");
  assert_string_equal(metrics_label(out, 4, "\"\"\""), "\\\"");
}

/* ---- the page -------------------------------------------------------------------------------- */

static struct metrics_facts facts = {
    .workers = 3, .ready = true, .ring = RING_IO_URING, .features = 1};

static void write_page(struct metrics_text *text) {
  metrics_page(text, &facts);
}

/* Every counter is on it, with a value that no other has. */
static void test_the_page_has_all_counters(void **state) {
  (void)state;
  char line[256];
  for (unsigned i = 0; i < serve_counters_count; i++)
    ((uint64_t *)&facts.counts)[i] = 5000000 + i;
  char *text = written(METRICS_OPEN, write_page);
  for (unsigned i = 0; i < serve_counters_count; i++) {
    const struct serve_counter *row = &serve_counters[i];
    snprintf(line, sizeof line, "\n%s_total%s%s%s %zu\n", row->metric, row->labels ? "{" : "",
             row->labels ? row->labels : "", row->labels ? "}" : "", 5000000 + row->offset / 8);
    if (!strstr(text, line)) fail_msg("%s is missing", line);
  }
  free(text);
}

static void test_what_there_is_now(void **state) {
  (void)state;
  facts.counts = (struct serve_counts){0};
  facts.counts.loop.links_accepted = 10;
  facts.counts.loop.links_closed = 1;
  facts.counts.engine.http.connections_opened = 7;
  facts.counts.engine.http.connections_busied = 12;
  facts.counts.engine.http.connections_quieted = 10;
  facts.counts.engine.http.streams_closed = 1; /* read later than streams_opened: not below 0 */
  facts.requests.requests[REQUEST_HTTP_2][2] = 77;
  facts.gauges.files.bytes = 4711;
  char *text = written(METRICS_PROMETHEUS, write_page);
  const char *lines[] = {
      "\nweir_connections{state=\"new\"} 2\n",
      "\nweir_connections{state=\"idle\"} 5\n",
      "\nweir_connections{state=\"active\"} 2\n",
      "\nweir_streams 0\n",
      "\nweir_workers 3\n",
      "\nweir_ready 1\n",
      "\nweir_requests_total{protocol=\"HTTP/2\",code_class=\"2xx\"} 77\n",
      "\nweir_files_cached_bytes 4711\n",
      "\nweir_ring_info{engine=\"io_uring\"} 1\n",
      "\nweir_io_uring_feature{feature=\"single_issuer\"} 1\n",
      "\nweir_io_uring_feature{feature=\"defer_taskrun\"} 0\n",
      "\nprocess_start_time_seconds 0.0\n",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    if (!strstr(text, lines[i])) fail_msg("%s is missing", lines[i]);
  free(text);
}

/* ---- negotiation ----------------------------------------------------------------------------- */

static void test_accept(void **state) {
  (void)state;
  static const struct {
    const char *accept; /* NULL: no such field */
    enum metrics_form form;
  } rows[] = {
      {NULL, METRICS_PROMETHEUS},
      {"*/*", METRICS_PROMETHEUS},
      {"", METRICS_PROMETHEUS},
      {"text/html,*/*;q=0.8", METRICS_PROMETHEUS},
      {"application/openmetrics-text", METRICS_OPEN},
      {"Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", METRICS_OPEN},
      /* Prometheus 2.42, and 3 */
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
       "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       METRICS_OPEN},
      {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/"
       "openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
       "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
       METRICS_OPEN},
      {"text/plain;version=0.0.4", METRICS_PROMETHEUS},
      {"application/openmetrics-text;q=0.4, text/plain;q=0.5", METRICS_PROMETHEUS},
      {"application/openmetrics-text;q=0.5, text/plain;q=0.5", METRICS_OPEN},
      {"application/openmetrics-text;q=0", METRICS_PROMETHEUS},
      {"application/openmetrics-text;q=2", METRICS_PROMETHEUS}, /* malformed: skipped */
      {"application/openmetrics-text;version=2.0.0", METRICS_PROMETHEUS},
      {"application/openmetrics-text;q=0.4, */*;q=0.9", METRICS_PROMETHEUS},
      {"text/*;q=0.1, application/openmetrics-text;q=0.2", METRICS_OPEN},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct header field = header_of(TOKEN_ACCEPT, span_text(rows[i].accept ? rows[i].accept : ""));
    const struct headers fields = {.at = &field, .count = rows[i].accept ? 1 : 0};
    if (metrics_accept(&fields) != rows[i].form) fail_msg("%s", rows[i].accept);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_families),
      cmocka_unit_test(test_histogram),
      cmocka_unit_test(test_labels),
      cmocka_unit_test(test_the_page_has_all_counters),
      cmocka_unit_test(test_what_there_is_now),
      cmocka_unit_test(test_accept),
  };
  return cmocka_run_group_tests_name("serve/metrics", tests, NULL, NULL);
}
