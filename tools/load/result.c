/*
 * load/result.c - see load/result.h.
 */
#include "tools/load/result.h"

#include <stdlib.h>

void load_report_add(struct load_report *report, const struct load_stats *stats,
                     const struct load_self *self) {
  uint64_t span_ns = stats->end_ns - stats->begin_ns;
  report->busy[report->workers++] = span_ns ? (double)stats->cpu_ns / (double)span_ns : 0;
  load_stats_merge(&report->sum, stats);
  load_self_merge(&report->self, self);
}

void load_report_free(struct load_report *report) {
  free(report->stages);
  free(report->origins);
  load_series_free(&report->series);
}
