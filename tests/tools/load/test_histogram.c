/*
 * load/test_histogram.c - precision, percentiles and merging of the histogram in which `weir load`
 * keeps its times.
 */
#include "tests/support/cmocka.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/load/histogram.h"

/* The precision that the header promises. */
static const double precision = 0.004;

static struct load_histogram *fresh(void) {
  static struct load_histogram histograms[4];
  static unsigned next;
  struct load_histogram *histogram = &histograms[next++ % 4];
  memset(histogram, 0, sizeof *histogram);
  return histogram;
}

static bool is_near(uint64_t found, uint64_t exact) {
  double off = found > exact ? (double)(found - exact) : (double)(exact - found);
  return off <= precision * (double)exact;
}

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* Buckets are in order, without a gap, and the last one has the greatest value. */
static void test_buckets(void **state) {
  (void)state;
  unsigned before = 0;
  for (uint64_t value = 1; value < UINT64_C(1) << LOAD_HISTOGRAM_VALUE_BITS;
       value += value / 1000 + 1) {
    unsigned bucket = load_histogram_bucket(value);
    assert_true(bucket == before || bucket == before + 1);
    before = bucket;
  }
  assert_int_equal(load_histogram_bucket((UINT64_C(1) << LOAD_HISTOGRAM_VALUE_BITS) - 1),
                   LOAD_HISTOGRAM_BUCKETS - 1);
  assert_int_equal(load_histogram_bucket(UINT64_MAX), LOAD_HISTOGRAM_BUCKETS - 1);
}

/* A median between two others is its bucket's middle, so each value's own error shows. */
static void test_precision(void **state) {
  (void)state;
  uint64_t seed = 88172645463325252;
  for (unsigned i = 0; i < 20000; i++) {
    struct load_histogram *histogram = fresh();
    uint64_t value = next_random(&seed) >> (22 + seed % 42);
    load_histogram_add(histogram, 0);
    load_histogram_add(histogram, value);
    load_histogram_add(histogram, UINT64_MAX);
    uint64_t found = load_histogram_percentile(histogram, 50);
    if (!is_near(found, value))
      fail_msg("%llu became %llu", (unsigned long long)value, (unsigned long long)found);
  }
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* Compares percentiles with the same values, sorted. */
static void test_percentiles(void **state) {
  (void)state;
  enum { COUNT = 100003 };
  static const double percents[] = {0, 0.001, 1, 10, 50, 90, 99, 99.9, 99.99, 100};
  static uint64_t values[COUNT];
  struct load_histogram *histogram = fresh();
  uint64_t seed = 2463534242;
  for (unsigned i = 0; i < COUNT; i++) {
    values[i] = 1000 + (next_random(&seed) % 1000) * (next_random(&seed) % 5000);
    load_histogram_add(histogram, values[i]);
  }
  qsort(values, COUNT, sizeof values[0], compare);
  for (unsigned i = 0; i < sizeof percents / sizeof percents[0]; i++) {
    double exact = percents[i] / 100 * COUNT;
    uint64_t rank = (uint64_t)exact + ((double)(uint64_t)exact < exact);
    uint64_t value = values[rank ? rank - 1 : 0];
    uint64_t found = load_histogram_percentile(histogram, percents[i]);
    if (!is_near(found, value))
      fail_msg("p%g: %llu, not %llu", percents[i], (unsigned long long)found,
               (unsigned long long)value);
  }
  assert_int_equal(load_histogram_percentile(histogram, 0), values[0]);
  assert_int_equal(load_histogram_percentile(histogram, 100), values[COUNT - 1]);
}

static void test_few_values(void **state) {
  (void)state;
  struct load_histogram *histogram = fresh();
  assert_int_equal(load_histogram_percentile(histogram, 50), 0);
  assert_true(load_histogram_mean(histogram) == 0);
  load_histogram_add(histogram, 1234567);
  for (unsigned percent = 0; percent <= 100; percent += 25)
    assert_int_equal(load_histogram_percentile(histogram, percent), 1234567);
  load_histogram_add(histogram, 1);
  assert_int_equal(load_histogram_percentile(histogram, 50), 1);
  assert_int_equal(load_histogram_percentile(histogram, 51), 1234567);
  assert_true(load_histogram_mean(histogram) == 1234568 / 2.0);
}

/* Percents have no exact binary fraction: 99.9 / 100 * 1000 is a little more than 999. */
static void test_ranks(void **state) {
  (void)state;
  static const struct {
    double percent;
    uint64_t count, rank;
  } rows[] = {
      {99.9, 1000, 999},
      {99.9, 1001, 1000},
      {99.99, 10000, 9999},
      {99.999, 100000, 99999},
      {0.1, 1000, 1},
      {0.1, 1001, 2},
      {29, 100, 29},
      {57, 100, 57},
      {58, 100, 58},
      {50, 1, 1},
      {0, 10, 1},
      {100, 10, 10},
      {99.9, UINT64_C(1) << 60, 1151768583102240130},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct load_histogram *histogram = fresh();
    histogram->count = rows[i].count;
    uint64_t rank = load_histogram_rank(histogram, rows[i].percent);
    if (rank != rows[i].rank)
      fail_msg("p%g of %llu: rank %llu", rows[i].percent, (unsigned long long)rows[i].count,
               (unsigned long long)rank);
  }
}

static void test_one_outlier(void **state) {
  (void)state;
  struct load_histogram *histogram = fresh();
  for (unsigned i = 0; i < 999; i++)
    load_histogram_add(histogram, 100);
  load_histogram_add(histogram, 1000000000);
  assert_int_equal(load_histogram_percentile(histogram, 99.9), 100);
  assert_int_equal(load_histogram_percentile(histogram, 99.91), 1000000000);
}

/* How the last value was added does not count. */
static void assert_same(struct load_histogram *a, struct load_histogram *b) {
  a->last_ns = b->last_ns = a->last_place = b->last_place = 0;
  assert_memory_equal(a, b, sizeof *a);
}

/* A value that comes again is added as if it were the first. */
static void test_repeated(void **state) {
  (void)state;
  static const uint64_t rows[][4] = {
      {0, 0, 0, 0}, {7, 7, 9, 7}, {300, 300, 300, 299}, {UINT64_MAX, UINT64_MAX, 0, UINT64_MAX}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct load_histogram *at_once = fresh(), *merged = fresh(), *one = fresh();
    for (size_t k = 0; k < 4; k++) {
      memset(one, 0, sizeof *one);
      load_histogram_add(at_once, rows[i][k]);
      load_histogram_add(one, rows[i][k]);
      load_histogram_merge(merged, one);
    }
    assert_same(at_once, merged);
  }
}

/* The least value first comes after those of another histogram. */
static void test_least_after_merge(void **state) {
  (void)state;
  struct load_histogram *a = fresh(), *b = fresh();
  load_histogram_add(b, 5);
  load_histogram_merge(a, b);
  load_histogram_add(a, 0);
  assert_int_equal(a->min_ns, 0);
  assert_int_equal(a->max_ns, 5);
  assert_int_equal(a->count, 2);
}

/* Two merged halves equal the whole. */
static void test_merge(void **state) {
  (void)state;
  struct load_histogram *whole = fresh(), *a = fresh(), *b = fresh(), *empty = fresh();
  uint64_t seed = 7;
  for (unsigned i = 0; i < 10000; i++) {
    uint64_t value = next_random(&seed) >> 30;
    load_histogram_add(whole, value);
    load_histogram_add(i % 3 ? a : b, value);
  }
  load_histogram_merge(a, b);
  load_histogram_merge(a, empty);
  load_histogram_merge(empty, a);
  assert_same(a, whole);
  assert_same(empty, whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_buckets),     cmocka_unit_test(test_precision),
      cmocka_unit_test(test_percentiles), cmocka_unit_test(test_few_values),
      cmocka_unit_test(test_ranks),       cmocka_unit_test(test_one_outlier),
      cmocka_unit_test(test_repeated),    cmocka_unit_test(test_least_after_merge),
      cmocka_unit_test(test_merge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
