/*
 * load/stage_report.h - what all workers did in a --stage.
 */
#ifndef WEIR_LOAD_STAGE_REPORT_H
#define WEIR_LOAD_STAGE_REPORT_H

#include "tools/load/marks.h"

struct load_stage_report {
  const char *text; /* as given */
  double begin_rate, end_rate;
  double asked; /* requests: the integral of the rate */
  struct load_second sum;
};

/* Room for the reports of all stages that take time, with their texts and rates. NULL when memory was
 * refused or there are none. The caller frees it. */
struct load_stage_report *load_stage_reports(const struct load_plan *plan);

/* Adds what a worker did, after it has ended. Returns how many stages it has begun. */
unsigned load_stage_reports_add(struct load_stage_report *reports, const struct load_marks *marks);

#endif
