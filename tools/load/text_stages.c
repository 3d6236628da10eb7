/*
 * load/text_stages.c - the table of stages in the text report; see load/text_parts.h.
 */
#include "tools/load/text_parts.h"

#include <string.h>

#include "tools/load/units.h"

static void print_stage(const struct load_stage_report *stage, FILE *to) {
  const struct load_second *sum = &stage->sum;
  double seconds = (double)(sum->end_ns - sum->begin_ns) / 1e9;
  double succeeded = seconds > 0 ? (double)(sum->done - sum->failed) / seconds : 0;
  char a[LOAD_TEXT_BYTES];
  fprintf(to, "  %-14.14s", stage->text);
  fprintf(to, " %7s", load_number_text(stage->asked, a));
  fprintf(to, " %8s", load_number_text((double)sum->started, a));
  fprintf(to, " %9s", load_number_text(succeeded, a));
  fprintf(to, " %7s", load_number_text((double)sum->failed, a));
  static const double percents[] = {50, 99, 100};
  for (unsigned i = 0; i < sizeof percents / sizeof percents[0]; i++) {
    double value = (double)load_histogram_percentile(&sum->latency, percents[i]);
    fprintf(to, " %6s", sum->latency.count ? load_time_text(value, a) : "-");
  }
  fprintf(to, " %7s\n", load_number_text((double)sum->backlog, a));
}

void load_text_stages(const struct load_report *report, FILE *to) {
  if (report->stage_count == 0) return;
  fprintf(to, "\n%-16s %7s %8s %9s %7s %6s %6s %6s %7s\n", "stages", "asked", "started",
          "success/s", "failed", "p50", "p99", "max", "backlog");
  for (unsigned i = 0; i < report->stage_count; i++)
    print_stage(&report->stages[i], to);
}
