/*
 * load/stage_report.c - see load/stage_report.h.
 */
#include "tools/load/stage_report.h"

#include <stdlib.h>

struct load_stage_report *load_stage_reports(const struct load_plan *plan) {
  const struct load_options *options = plan->options;
  const struct load_segment *segment = &plan->shape.segments[plan->warm_up_ns > 0];
  struct load_stage_report *reports = calloc(options->stage_count, sizeof *reports), *at = reports;
  if (!reports) return NULL;
  for (unsigned i = 0; i < options->stage_count; i++) {
    const struct load_stage *stage = &options->stages[i];
    if (stage->seconds == 0) continue;
    *at++ = (struct load_stage_report){.text = stage->text,
                                       .begin_rate = segment->begin_rate,
                                       .end_rate = segment->end_rate,
                                       .asked = (segment->begin_rate + segment->end_rate) / 2 *
                                                segment->seconds};
    segment++;
  }
  return reports;
}

unsigned load_stage_reports_add(struct load_stage_report *reports, const struct load_marks *marks) {
  for (unsigned i = 0; i < marks->count; i++)
    load_second_merge(&reports[i].sum, &marks->stages[i]);
  return marks->count;
}
