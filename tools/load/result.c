/*
 * load/result.c - see load/result.h.
 */
#include "tools/load/result.h"

#include <stdlib.h>

void load_report_free(struct load_report *report) {
  free(report->stages);
  free(report->origins);
  load_series_free(&report->series);
}
