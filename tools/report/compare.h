/*
 * report/compare.h - results side by side, as text of at most 80 columns. The first result is the
 * baseline of the others. There are at most 26 letters, so later results are numbered: A to Z, R27.
 */
#ifndef WEIR_REPORT_COMPARE_H
#define WEIR_REPORT_COMPARE_H

#include <stdio.h>

#include "tools/report/bootstrap.h"
#include "tools/report/result.h"

/* The percentiles whose differences are tested: p50 and p99. */
enum { REPORT_TESTED = 2 };

/* How a result differs from the first one. */
struct report_change {
  bool measured; /* both have latencies */
  struct report_difference tested[REPORT_TESTED];
};

/* Fills `changes`, one for each result; the first is empty. False: no memory. */
__attribute__((warn_unused_result)) bool report_changes_find(const struct report_result *results,
                                                             unsigned count, uint64_t seed,
                                                             struct report_change *changes);

/* Whether a percentile has risen by more than `percent` of the baseline's, for certain: the whole
 * interval is above. */
__attribute__((warn_unused_result)) bool report_is_slower(const struct report_change *change,
                                                          double percent);

/* `changes` may be NULL if there is one result. */
void report_compare_write(const struct report_result *results, const struct report_change *changes,
                          unsigned count, uint64_t seed, FILE *to);

#endif
