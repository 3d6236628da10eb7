/*
 * load/test_stats.c - sums of what workers counted. Every expected number can be checked by hand.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

#include "tools/load/stats.h"

static struct load_requests *fresh(void) {
  static struct load_requests all[3];
  static unsigned next;
  struct load_requests *requests = &all[next++ % 3];
  memset(requests, 0, sizeof *requests);
  return requests;
}

static void add_many(struct load_histogram *histogram, unsigned count, uint64_t value_ns) {
  for (unsigned i = 0; i < count; i++)
    load_histogram_add(histogram, value_ns);
}

/* Codes are kept as they came, the first one first. */
static void test_errors(void **state) {
  (void)state;
  struct load_requests *a = fresh(), *b = fresh();
  load_requests_error(a, LOAD_RESET, 7, 2);
  load_requests_error(a, LOAD_RESET, 4711, 1);
  load_requests_error(a, LOAD_RESET, 7, 1);
  load_requests_error(b, LOAD_GOAWAY, 7, 5);
  load_requests_error(b, LOAD_RESET, 4711, 1);
  load_requests_merge(a, b);
  static const struct load_error_row rows[] = {
      {LOAD_RESET, 7, 3}, {LOAD_RESET, 4711, 2}, {LOAD_GOAWAY, 7, 5}};
  assert_int_equal(a->error_count, 3);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(a->errors[i].error, rows[i].error);
    assert_int_equal(a->errors[i].code, rows[i].code);
    assert_int_equal(a->errors[i].count, rows[i].count);
  }
}

/* The last status that three digits can say has a place, and all are added up. */
static void test_statuses(void **state) {
  (void)state;
  struct load_requests *a = fresh(), *b = fresh();
  a->statuses[LOAD_STATUSES - 1] = 4;
  b->statuses[LOAD_STATUSES - 1] = 3;
  b->statuses[200] = 2;
  load_requests_merge(a, b);
  assert_int_equal(a->statuses[999], 7);
  assert_int_equal(a->statuses[200], 2);
}

/* So do close codes: those that a close frame can have. */
static void test_close_codes(void **state) {
  (void)state;
  static struct load_stats a, b;
  a.close_codes[LOAD_CLOSE_CODES - 1] = 4;
  b.close_codes[4999 - LOAD_CLOSE_CODE_MIN] = 3;
  b.close_codes[0] = 2;
  load_stats_merge(&a, &b);
  assert_int_equal(a.close_codes[LOAD_CLOSE_CODES - 1], 7);
  assert_int_equal(a.close_codes[1000 - LOAD_CLOSE_CODE_MIN], 2);
}

static void test_more_errors_than_rows(void **state) {
  (void)state;
  struct load_requests *a = fresh(), *b = fresh();
  for (unsigned code = 0; code < LOAD_ERROR_ROWS_MAX + 3; code++)
    load_requests_error(a, LOAD_RESET, code, 2);
  assert_int_equal(a->error_count, LOAD_ERROR_ROWS_MAX);
  assert_int_equal(a->errors_lost, 6);
  load_requests_merge(b, a);
  assert_int_equal(b->errors_lost, 6);
}

/* Worker a: three requests of 1 ms, and one that has waited for 5 ms. Worker b: three of 10 ms, and
 * one that has waited for 5 ms. The median of the six is 1 ms, so both count. With the median of b's
 * own three, 10 ms, its waiting one would not. */
static void test_waiting_is_compared_with_the_median_of_all(void **state) {
  (void)state;
  struct load_requests *a = fresh(), *b = fresh(), *sum = fresh();
  add_many(&a->latency, 3, 1000000);
  add_many(&b->latency, 3, 10000000);
  add_many(&a->unfinished, 1, 5000000);
  add_many(&b->unfinished, 1, 5000000);
  load_requests_merge(sum, a);
  load_requests_merge(sum, b);
  load_requests_wait(sum);
  assert_int_equal(sum->waiting, 2);
  assert_int_equal(sum->latency.count, 8);
  assert_int_equal(sum->latency.min_ns, 1000000);
  assert_int_equal(sum->latency.max_ns, 10000000);
  assert_true(load_histogram_mean(&sum->latency) > 0.996 * 43e6 / 8);
  assert_true(load_histogram_mean(&sum->latency) < 1.004 * 43e6 / 8);
}

/* One answer of 2 ms. One request has waited for 1 ms, one for 2 s. */
static void test_young_ones_do_not_count(void **state) {
  (void)state;
  struct load_requests *sum = fresh();
  add_many(&sum->latency, 1, 2000000);
  add_many(&sum->unfinished, 1, 1000000);
  add_many(&sum->unfinished, 1, 2000000000);
  load_requests_wait(sum);
  assert_int_equal(sum->waiting, 1);
  assert_int_equal(sum->latency.count, 2);
  assert_int_equal(sum->latency.max_ns, 2000000000);
}

/* No answer at all: what the ones that wait have waited is not a distribution of latencies. */
static void test_nothing_is_made_up(void **state) {
  (void)state;
  struct load_requests *sum = fresh();
  add_many(&sum->unfinished, 100, 1000000000);
  load_requests_wait(sum);
  assert_int_equal(sum->latency.count, 0);
  assert_int_equal(sum->waiting, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_statuses),
      cmocka_unit_test(test_close_codes),
      cmocka_unit_test(test_more_errors_than_rows),
      cmocka_unit_test(test_waiting_is_compared_with_the_median_of_all),
      cmocka_unit_test(test_young_ones_do_not_count),
      cmocka_unit_test(test_nothing_is_made_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
