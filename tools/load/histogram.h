/*
 * load/histogram.h - records times in bounded memory: a log-linear histogram, like HdrHistogram.
 * Unit: nanoseconds. Owner: embedded, one writer, no allocation. Merged after all writers have
 * ended.
 *
 * Values below 256 have one bucket each. Above that, each power of two is divided into 128 buckets
 * of equal width, so a bucket's width is at most 1/128 of its values. A percentile is the middle of
 * its bucket: at most 0.4% off. The minimum and maximum are exact.
 */
#ifndef WEIR_LOAD_HISTOGRAM_H
#define WEIR_LOAD_HISTOGRAM_H

#include <stdint.h>

/* The number of buckets is derived from the bits: 36 KiB of counters. */
enum {
  LOAD_HISTOGRAM_PART_BITS = 7,   /* 128 buckets per power of two */
  LOAD_HISTOGRAM_VALUE_BITS = 42, /* 73 minutes; longer times go into the last bucket */
  LOAD_HISTOGRAM_BUCKETS = (LOAD_HISTOGRAM_VALUE_BITS - LOAD_HISTOGRAM_PART_BITS + 1)
                           << LOAD_HISTOGRAM_PART_BITS,
};

struct load_histogram {
  /* How the last value was added, which often comes again. */
  uint64_t last_ns;
  unsigned last_place; /* its bucket's, counted from 1; 0: none was added */

  uint64_t count, sum_ns, min_ns, max_ns; /* min and max are meaningless while count is 0 */
  uint64_t buckets[LOAD_HISTOGRAM_BUCKETS];
};

static inline unsigned load_histogram_bucket(uint64_t value_ns) {
  const uint64_t most = (UINT64_C(1) << LOAD_HISTOGRAM_VALUE_BITS) - 1;
  if (value_ns > most) value_ns = most;
  if (value_ns < 2u << LOAD_HISTOGRAM_PART_BITS) return (unsigned)value_ns;
  unsigned shift = 63u - (unsigned)__builtin_clzll(value_ns) - LOAD_HISTOGRAM_PART_BITS;
  return (shift << LOAD_HISTOGRAM_PART_BITS) + (unsigned)(value_ns >> shift);
}

/* Responses that come together to requests that left together have the same times. */
static inline void load_histogram_add(struct load_histogram *histogram, uint64_t value_ns) {
  if (value_ns != histogram->last_ns || histogram->last_place == 0) {
    if (histogram->count == 0 || value_ns < histogram->min_ns) histogram->min_ns = value_ns;
    if (value_ns > histogram->max_ns) histogram->max_ns = value_ns;
    histogram->last_ns = value_ns;
    histogram->last_place = load_histogram_bucket(value_ns) + 1;
  }
  histogram->count++;
  histogram->sum_ns += value_ns;
  histogram->buckets[histogram->last_place - 1]++;
}

/* `histogram` += `from`. */
void load_histogram_merge(struct load_histogram *histogram, const struct load_histogram *from);

/* Adds the values of `from` that are in a higher bucket than `limit_ns`, which is not below the
 * minimum of `histogram` (asserted). Their sum is as exact as a bucket. */
void load_histogram_add_above(struct load_histogram *histogram, const struct load_histogram *from,
                              uint64_t limit_ns);

/* The value that `percent` (0 .. 100) of all values do not exceed: 0 for the minimum, 100 for the
 * maximum. Returns 0 if there are no values. */
uint64_t load_histogram_percentile(const struct load_histogram *histogram, double percent);

/* The rank of that value, from 1 for the minimum to `count`: `percent` of `count`, rounded up. It
 * is exact for percents with up to six decimals. */
uint64_t load_histogram_rank(const struct load_histogram *histogram, double percent);

/* What stands for the values of a bucket: its middle, within the minimum and the maximum. */
uint64_t load_histogram_at(const struct load_histogram *histogram, unsigned bucket);

/* How many values share a bucket. */
uint64_t load_histogram_width(unsigned bucket);

double load_histogram_mean(const struct load_histogram *histogram);

#endif
