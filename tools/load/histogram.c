/*
 * load/histogram.c - see load/histogram.h.
 */
#include "tools/load/histogram.h"

#include <assert.h>

_Static_assert(LOAD_HISTOGRAM_BUCKETS == 4608, "the greatest value has the last bucket");

void load_histogram_merge(struct load_histogram *histogram, const struct load_histogram *from) {
  if (from->count == 0) return;
  if (histogram->count == 0 || from->min_ns < histogram->min_ns) histogram->min_ns = from->min_ns;
  if (from->max_ns > histogram->max_ns) histogram->max_ns = from->max_ns;
  histogram->count += from->count;
  histogram->sum_ns += from->sum_ns;
  for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
    histogram->buckets[i] += from->buckets[i];
}

/* The middle value of a bucket. */
static uint64_t value_of(unsigned bucket) {
  if (bucket < 2u << LOAD_HISTOGRAM_PART_BITS) return bucket;
  unsigned shift = (bucket >> LOAD_HISTOGRAM_PART_BITS) - 1;
  uint64_t lowest = (uint64_t)(bucket - (shift << LOAD_HISTOGRAM_PART_BITS)) << shift;
  return lowest + (UINT64_C(1) << shift) / 2;
}

void load_histogram_add_above(struct load_histogram *histogram, const struct load_histogram *from,
                              uint64_t limit_ns) {
  assert(histogram->count > 0 && histogram->min_ns <= limit_ns);
  for (unsigned i = load_histogram_bucket(limit_ns) + 1; i < LOAD_HISTOGRAM_BUCKETS; i++) {
    uint64_t count = from->buckets[i], value_ns = value_of(i);
    if (count == 0) continue;
    if (value_ns > from->max_ns) value_ns = from->max_ns;
    if (from->max_ns > histogram->max_ns) histogram->max_ns = from->max_ns;
    histogram->count += count;
    histogram->sum_ns += count * value_ns;
    histogram->buckets[i] += count;
  }
}

uint64_t load_histogram_percentile(const struct load_histogram *histogram, double percent) {
  if (histogram->count == 0) return 0;
  if (percent <= 0) return histogram->min_ns;
  double exact = percent / 100 * (double)histogram->count;
  uint64_t rank = (uint64_t)exact, seen = 0;
  if ((double)rank < exact) rank++;
  if (rank >= histogram->count) return histogram->max_ns;
  unsigned bucket = 0;
  while ((seen += histogram->buckets[bucket]) < rank)
    bucket++;
  uint64_t value = value_of(bucket);
  if (value < histogram->min_ns) return histogram->min_ns;
  return value > histogram->max_ns ? histogram->max_ns : value;
}

double load_histogram_mean(const struct load_histogram *histogram) {
  return histogram->count ? (double)histogram->sum_ns / (double)histogram->count : 0;
}
