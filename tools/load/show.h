/*
 * load/show.h - the report of a run as text, and what text and JSON (load/json.h) have in common.
 */
#ifndef WEIR_LOAD_SHOW_H
#define WEIR_LOAD_SHOW_H

#include <stdio.h>

#include "tools/load/result.h"

void load_text_write(const struct load_report *report, FILE *to);

/* What was reached and what limited it, in one line. The caller frees it. NULL when memory was
 * refused. */
__attribute__((warn_unused_result)) char *load_verdict_text(const struct load_report *report);

/* What limited the run: "server", "streams", "generator", "input" or "none". */
const char *load_verdict_limit(const struct load_report *report);

/* What is counted: "request", or with --ws "message". */
static inline const char *load_report_noun(const struct load_report *report) {
  return report->options->ws ? "message" : "request";
}

/* The requests of -n that were never started. */
static inline uint64_t load_report_left(const struct load_report *report) {
  return report->total - report->sum.requests.started;
}

static inline uint64_t load_report_in_flight(const struct load_report *report) {
  return report->sum.requests.started - report->sum.requests.done;
}

static inline double load_report_seconds(const struct load_report *report) {
  return (double)(report->sum.end_ns - report->sum.begin_ns) / 1e9;
}

/* CPU use of the busiest worker, 0 to 1. */
static inline double load_report_busy(const struct load_report *report) {
  double most = 0;
  for (unsigned i = 0; i < report->workers; i++)
    if (report->busy[i] > most) most = report->busy[i];
  return most;
}

/* Events a second; 0 if no time has passed. Requests per second are `succeeded`; failures have a
 * rate of their own. */
static inline double load_report_rate(const struct load_report *report, uint64_t count) {
  double seconds = load_report_seconds(report);
  return seconds > 0 ? (double)count / seconds : 0;
}

#endif
