/*
 * report/bootstrap.c - see report/bootstrap.h.
 */
#include "tools/report/bootstrap.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "tools/load/random.h"
#include "tools/report/limits.h"

/* ---- random numbers -------------------------------------------------------------------------- */

/* Between 0 and 1, both excluded: its logarithm is finite. */
static double random_fraction(uint64_t *state) {
  return ((double)(load_random_next(state) >> 11) + 0.5) * 0x1p-53;
}

/* Box and Muller. */
static double random_normal(uint64_t *state) {
  double radius = sqrt(-2 * log(random_fraction(state)));
  return radius * cos(2 * 3.14159265358979323846 * random_fraction(state));
}

/* Marsaglia and Tsang, "A simple method for generating gamma variables" (2000). `shape` >= 1. */
static double random_gamma(double shape, uint64_t *state) {
  double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    double x = random_normal(state), v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    if (log(random_fraction(state)) < x * x / 2 + d * (1 - v + log(v))) return d * v;
  }
}

static double random_beta(double a, double b, uint64_t *state) {
  double x = random_gamma(a, state), y = random_gamma(b, state);
  return x / (x + y);
}

/* ---- resampling ------------------------------------------------------------------------------ */

/* A histogram as sums, to be searched. */
struct sampler {
  const struct load_histogram *histogram;
  uint64_t rank;                          /* of the percentile, from 1 */
  uint64_t below[LOAD_HISTOGRAM_BUCKETS]; /* values in this bucket and those before it */
};

static void sampler_init(struct sampler *sampler, const struct load_histogram *histogram,
                         double percent) {
  uint64_t sum = 0;
  sampler->histogram = histogram;
  sampler->rank = load_histogram_rank(histogram, percent);
  for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
    sampler->below[i] = sum += histogram->buckets[i];
}

/* The bucket of the value with this rank. */
static unsigned bucket_at(const struct sampler *sampler, uint64_t rank) {
  unsigned low = 0, high = LOAD_HISTOGRAM_BUCKETS - 1;
  while (low < high) {
    unsigned middle = (low + high) / 2;
    if (sampler->below[middle] < rank)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static double value_at(const struct sampler *sampler, uint64_t rank) {
  return (double)load_histogram_at(sampler->histogram, bucket_at(sampler, rank));
}

/* The percentile of one resample. */
static double resample(const struct sampler *sampler, uint64_t *state) {
  uint64_t count = sampler->histogram->count;
  double fraction = random_beta((double)sampler->rank, (double)(count - sampler->rank + 1), state);
  uint64_t rank = (uint64_t)ceil(fraction * (double)count);
  return value_at(sampler, rank < 1 ? 1 : rank > count ? count : rank);
}

/* How far a value may be from the one that stands for its bucket. */
static double doubt(const struct sampler *sampler) {
  return (double)load_histogram_width(bucket_at(sampler, sampler->rank)) / 2;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

bool report_bootstrap(const struct load_histogram *from, const struct load_histogram *to,
                      double percent, uint64_t seed, struct report_difference *difference) {
  assert(from->count > 0 && to->count > 0);
  assert(percent > 0 && percent < 100);
  struct sampler *samplers = malloc(2 * sizeof *samplers);
  double *differences = malloc(REPORT_RESAMPLES * sizeof *differences);
  bool good = samplers && differences;
  if (good) {
    sampler_init(&samplers[0], from, percent);
    sampler_init(&samplers[1], to, percent);
    for (unsigned i = 0; i < REPORT_RESAMPLES; i++) {
      double value = resample(&samplers[1], &seed);
      differences[i] = value - resample(&samplers[0], &seed);
    }
    qsort(differences, REPORT_RESAMPLES, sizeof *differences, compare);
    double doubts = doubt(&samplers[0]) + doubt(&samplers[1]);
    unsigned tail = (unsigned)((1 - REPORT_LEVEL) / 2 * REPORT_RESAMPLES + 0.5);
    difference->from_ns = value_at(&samplers[0], samplers[0].rank);
    difference->to_ns = value_at(&samplers[1], samplers[1].rank);
    difference->low_ns = differences[tail] - doubts;
    difference->high_ns = differences[REPORT_RESAMPLES - 1 - tail] + doubts;
  }
  free(differences);
  free(samplers);
  return good;
}
