/*
 * load/example.h - the report of a run, for tests of what is made of reports. It has a value for every
 * key of the JSON object.
 */
#ifndef WEIR_TESTS_LOAD_EXAMPLE_H
#define WEIR_TESTS_LOAD_EXAMPLE_H

#include <string.h>

#include "tools/load/show.h"

static struct load_bucket example_buckets[] = {{.index = 100, .count = 3}};
static struct load_row example_rows[] = {
    {.end_ns = 1000000000,
     .started = 50,
     .done = 45,
     .latency = {.at = example_buckets, .count = 1, .sum_ns = 300, .min_ns = 100, .max_ns = 100}},
    {.begin_ns = 1000000000, .end_ns = 2000000000, .started = 40, .done = 35, .failed = 10}};

/* A run of two seconds: 100 requests wanted, 90 started, 80 done. The next call fills it anew. */
static inline struct load_report *example_report(void) {
  static char *urls[] = {"https://localhost:8443/"};
  static const struct load_options options = {.urls = urls,
                                              .url_count = 1,
                                              .connections = 3,
                                              .streams = 2,
                                              .threads = 2,
                                              .flow = FLOW_CONSUME,
                                              .duration_seconds = 2.5,
                                              .stages = {{.text = "1s:5"}},
                                              .stage_count = 1,
                                              .fields = {"accept: text/html"},
                                              .fail_ifs = {{.text = "p99>20s",
                                                            .condition = "p99>20s",
                                                            .percent = 99,
                                                            .greater = true,
                                                            .limit = 20e9}},
                                              .fail_if_count = 1,
                                              .field_count = 1};
  static struct load_stage_report stages[1];
  static struct load_origin_counts origins[] = {{"http://a", 2, 5, 1}, {"http://b:81", 1, 2, 0}};
  static struct load_report report;
  memset(&report, 0, sizeof report);
  report.options = &options;
  report.series = (struct load_series){.rows = example_rows, .count = 2};
  report.sum.close_codes[1] = 2; /* 1001 */
  report.origins = origins;
  report.origin_count = 2;
  memset(stages, 0, sizeof stages);
  stages[0].text = "1s:5";
  stages[0].end_rate = 5;
  stages[0].asked = 2.5;
  stages[0].sum.end_ns = 1000000000;
  stages[0].sum.started = stages[0].sum.done = 3;
  load_histogram_add(&stages[0].sum.latency, 1000000);
  report.stages = stages;
  report.stage_count = 1;
  report.command = "weir load -D 2.5 https://localhost:8443/";
  strcpy(report.origin, "https://localhost:8443");
  report.total = 100;
  report.workers = 2;
  report.ring = RING_EPOLL;
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
  sum->requests.http_in = 4000;
  load_histogram_add(&sum->requests.latency, 100);
  load_histogram_add(&sum->requests.latency, 3000000000);
  load_stats_reason(sum, "the server closed the connection", false, 1);
  return &report;
}

#endif
