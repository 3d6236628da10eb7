/*
 * report/bootstrap.h - how sure is the difference of two measured percentiles?
 *
 * The bootstrap draws, many times, as many values as were measured, out of those that were measured
 * (with replacement), and looks how far the percentile varies. Here nothing is drawn value by
 * value: the k-th smallest of n such draws is the measured value at a fraction of Beta(k, n + 1 - k),
 * so that one random number replaces n of them, exactly. The interval is that of the middle 95% of
 * the differences, widened by the width of the histogram's buckets, within which values are unknown.
 *
 * It knows how requests within a run vary, and takes them as independent. It cannot know how runs
 * vary; only repeated runs show that. Deterministic: the same histograms and seed, the same result.
 */
#ifndef WEIR_REPORT_BOOTSTRAP_H
#define WEIR_REPORT_BOOTSTRAP_H

#include <stdbool.h>

#include "tools/load/histogram.h"

/* The middle part of the resampled differences that an interval holds. */
#define REPORT_LEVEL 0.95

struct report_difference {
  double from_ns, to_ns;  /* the two percentiles */
  double low_ns, high_ns; /* the interval of `to_ns` - `from_ns` */
};

/* Both histograms have values. `percent` is 0 to 100, exclusive. False: no memory. */
__attribute__((warn_unused_result)) bool report_bootstrap(const struct load_histogram *from,
                                                          const struct load_histogram *to,
                                                          double percent, uint64_t seed,
                                                          struct report_difference *difference);

#endif
