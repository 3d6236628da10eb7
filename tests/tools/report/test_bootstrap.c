/*
 * report/test_bootstrap.c - intervals of differences agree with resampling value by value, and hold
 * the true difference as often as they promise.
 */
#include "tests/support/cmocka.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report/bootstrap.h"
#include "tools/report/limits.h"

static struct load_histogram a, b;

static uint64_t state = 88172645463325252;

static double fraction(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

/* Latencies with a long tail, in nanoseconds. */
static uint64_t draw(double mean) {
  return (uint64_t)(1e5 - mean * log(fraction()));
}

static void fill(struct load_histogram *histogram, unsigned count, double mean) {
  memset(histogram, 0, sizeof *histogram);
  for (unsigned i = 0; i < count; i++)
    load_histogram_add(histogram, draw(mean));
}

static struct report_difference find(double percent, uint64_t seed) {
  struct report_difference difference;
  assert_true(report_bootstrap(&a, &b, percent, seed, &difference));
  assert_true(difference.low_ns <= difference.high_ns);
  return difference;
}

/* ---- by hand --------------------------------------------------------------------------------- */

static int compare(const void *x, const void *y) {
  double p = *(const double *)x, q = *(const double *)y;
  return (p > q) - (p < q);
}

/* The values of a histogram, one by one. */
static unsigned spread(const struct load_histogram *histogram, double *values) {
  unsigned count = 0;
  for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
    for (uint64_t k = 0; k < histogram->buckets[i]; k++)
      values[count++] = (double)load_histogram_at(histogram, i);
  return count;
}

static double percentile_of_resample(const double *values, unsigned count, double percent) {
  double drawn[512];
  for (unsigned i = 0; i < count; i++)
    drawn[i] = values[(unsigned)(fraction() * count)];
  qsort(drawn, count, sizeof *drawn, compare);
  return drawn[(unsigned)ceil(percent / 100 * count) - 1];
}

/* The interval without what is added for the buckets' widths must be that of draws by hand. */
static void test_by_hand(void **unused) {
  enum { COUNT = 400, RESAMPLES = 4000 };
  static double values[2][COUNT], differences[RESAMPLES];
  static const double percents[] = {50, 99};
  (void)unused;
  fill(&a, COUNT, 1e6);
  fill(&b, COUNT, 1.5e6);
  assert_int_equal(spread(&a, values[0]), COUNT);
  assert_int_equal(spread(&b, values[1]), COUNT);
  for (unsigned i = 0; i < 2; i++) {
    for (unsigned k = 0; k < RESAMPLES; k++)
      differences[k] = percentile_of_resample(values[1], COUNT, percents[i]) -
                       percentile_of_resample(values[0], COUNT, percents[i]);
    qsort(differences, RESAMPLES, sizeof *differences, compare);
    double low = differences[RESAMPLES / 40], high = differences[RESAMPLES - RESAMPLES / 40 - 1];
    struct report_difference found = find(percents[i], 1);
    double tolerance = (high - low) * 0.06 + 0.01 * found.to_ns;
    if (fabs(found.low_ns - low) > tolerance || fabs(found.high_ns - high) > tolerance)
      fail_msg("p%g: [%g, %g], by hand [%g, %g]", percents[i], found.low_ns, found.high_ns, low,
               high);
  }
}

/* ---- what the interval promises -------------------------------------------------------------- */

static void test_coverage(void **unused) {
  enum { TRIALS = 200 };
  static const struct {
    double percent, quantile; /* of the exponential distribution with mean 1 */
  } rows[] = {{50, 0.693147}, {99, 4.605170}};
  (void)unused;
  for (unsigned i = 0; i < 2; i++) {
    unsigned held = 0;
    double true_difference = rows[i].quantile * (1.2e6 - 1e6);
    for (unsigned k = 0; k < TRIALS; k++) {
      fill(&a, 2000, 1e6);
      fill(&b, 2000, 1.2e6);
      struct report_difference found = find(rows[i].percent, k);
      held += found.low_ns <= true_difference && true_difference <= found.high_ns;
    }
    if (held < TRIALS * 0.90 || held > TRIALS * 0.995)
      fail_msg("p%g: %u of %u intervals hold the difference", rows[i].percent, held, TRIALS);
  }
}

/* ---- corners --------------------------------------------------------------------------------- */

static void test_deterministic(void **unused) {
  (void)unused;
  fill(&a, 1000, 1e6);
  fill(&b, 1000, 1e6);
  struct report_difference first = find(99, 7), again = find(99, 7), other = find(99, 8);
  assert_memory_equal(&first, &again, sizeof first);
  assert_true(first.low_ns != other.low_ns || first.high_ns != other.high_ns);
}

/* No difference, but for the width of the buckets. */
static void test_the_same(void **unused) {
  (void)unused;
  memset(&a, 0, sizeof a);
  for (unsigned i = 0; i < 1000; i++)
    load_histogram_add(&a, 1000000);
  b = a;
  struct report_difference found = find(50, 1);
  assert_true(found.from_ns == 1000000 && found.to_ns == 1000000);
  double width = (double)load_histogram_width(load_histogram_bucket(1000000));
  assert_true(found.low_ns == -width && found.high_ns == width);
}

static void test_one_value(void **unused) {
  (void)unused;
  memset(&a, 0, sizeof a);
  load_histogram_add(&a, 100);
  memset(&b, 0, sizeof b);
  load_histogram_add(&b, 200);
  struct report_difference found = find(99, 1);
  assert_true(found.low_ns == 99 && found.high_ns == 101);
}

/* With billions of values the interval is narrow, and takes no longer. */
static void test_billions(void **unused) {
  (void)unused;
  fill(&a, 10000, 1e6);
  for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
    a.buckets[i] *= 1000000;
  a.count *= 1000000;
  b = a;
  struct report_difference found = find(50, 1);
  assert_true(found.low_ns < 0 && found.high_ns > 0);
  assert_true(found.high_ns - found.low_ns < 0.02 * found.from_ns);
}

int main(void) {
  assert(REPORT_RESAMPLES * (1 - REPORT_LEVEL) / 2 >= 100); /* enough in each tail */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),       cmocka_unit_test(test_coverage),
      cmocka_unit_test(test_deterministic), cmocka_unit_test(test_the_same),
      cmocka_unit_test(test_one_value),     cmocka_unit_test(test_billions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
