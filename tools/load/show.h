/*
 * load/show.h - a run's report: in words like h2load's, with what it does not have, or as JSON.
 */
#ifndef WEIR_LOAD_SHOW_H
#define WEIR_LOAD_SHOW_H

#include <stdio.h>

#include "tools/load/run.h"

void load_text_write(const struct load_report *report, FILE *to);

/* One object; all times are nanoseconds. False when it could not be written. */
__attribute__((warn_unused_result)) bool load_json_write(const struct load_report *report,
                                                         FILE *to);

/* A worker that was so busy was perhaps slower than the server. */
#define LOAD_BUSY 0.95

/* Requests of -n that were never started. */
static inline uint64_t load_report_left(const struct load_report *report) {
  return report->total - report->sum.requests.started;
}

static inline uint64_t load_report_in_flight(const struct load_report *report) {
  return report->sum.requests.started - report->sum.requests.done;
}

static inline double load_report_seconds(const struct load_report *report) {
  return (double)(report->sum.end_ns - report->sum.begin_ns) / 1e9;
}

#endif
