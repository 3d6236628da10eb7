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

/* The first value of a bucket. */
static uint64_t lowest_of(unsigned bucket) {
  if (bucket < 2u << LOAD_HISTOGRAM_PART_BITS) return bucket;
  unsigned shift = (bucket >> LOAD_HISTOGRAM_PART_BITS) - 1;
  return (uint64_t)(bucket - (shift << LOAD_HISTOGRAM_PART_BITS)) << shift;
}

uint64_t load_histogram_width(unsigned bucket) {
  if (bucket < 2u << LOAD_HISTOGRAM_PART_BITS) return 1;
  return UINT64_C(1) << ((bucket >> LOAD_HISTOGRAM_PART_BITS) - 1);
}

static uint64_t middle_of(unsigned bucket) {
  return lowest_of(bucket) + load_histogram_width(bucket) / 2;
}

uint64_t load_histogram_at(const struct load_histogram *histogram, unsigned bucket) {
  uint64_t value = middle_of(bucket);
  if (value < histogram->min_ns) return histogram->min_ns;
  return value > histogram->max_ns ? histogram->max_ns : value;
}

/* In whole millionths of a percent: as binary fractions, 99.9% of 1,000 would be above 999. */
uint64_t load_histogram_rank(const struct load_histogram *histogram, double percent) {
  const uint64_t whole = 100 * UINT64_C(1000000);
  uint64_t part = percent <= 0 ? 0 : percent >= 100 ? whole : (uint64_t)(percent * 1e6 + 0.5);
  unsigned __int128 product = (unsigned __int128)part * histogram->count;
  uint64_t rank = (uint64_t)((product + whole - 1) / whole);
  return rank ? rank : 1;
}

void load_histogram_add_above(struct load_histogram *histogram, const struct load_histogram *from,
                              uint64_t limit_ns) {
  assert(histogram->count > 0 && histogram->min_ns <= limit_ns);
  for (unsigned i = load_histogram_bucket(limit_ns) + 1; i < LOAD_HISTOGRAM_BUCKETS; i++) {
    uint64_t count = from->buckets[i], value_ns = middle_of(i);
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
  uint64_t rank = load_histogram_rank(histogram, percent), seen = 0;
  if (rank >= histogram->count) return histogram->max_ns;
  unsigned bucket = 0;
  while ((seen += histogram->buckets[bucket]) < rank)
    bucket++;
  return load_histogram_at(histogram, bucket);
}

double load_histogram_mean(const struct load_histogram *histogram) {
  return histogram->count ? (double)histogram->sum_ns / (double)histogram->count : 0;
}
