/*
 * base/test_budget.c - token buckets: bursts, refills over time, and refunds.
 */
#include "engine/base/budget.h"

#include "engine/base/limits.h"
#include "tests/support/cmocka.h"

static void test_burst(void **state) {
  (void)state;
  struct budget budget;
  budget_init(&budget, 10, 5, 0);
  for (int i = 0; i < 10; i++)
    assert_true(budget_spend(&budget, 1, 0));
  assert_false(budget_spend(&budget, 1, 0));
}

static void test_refill(void **state) {
  (void)state;
  struct budget budget;
  budget_init(&budget, 10, 5, 0);
  assert_true(budget_spend(&budget, 10, 0));
  assert_false(budget_spend(&budget, 1, SECOND_NS / 5 - 1));
  assert_true(budget_spend(&budget, 1, SECOND_NS / 5));
  assert_false(budget_spend(&budget, 1, SECOND_NS * 2 / 5 - 1)); /* no time is lost */
  assert_true(budget_spend(&budget, 1, SECOND_NS * 2 / 5));
  assert_true(budget_spend(&budget, 10, 100 * SECOND_NS));
  assert_false(budget_spend(&budget, 1, 100 * SECOND_NS)); /* never more than the burst */
}

/* Time while the bucket was full earns nothing. */
static void test_full(void **state) {
  (void)state;
  struct budget budget;
  budget_init(&budget, 10, 5, 0);
  const uint64_t now_ns = 50 * SECOND_NS + SECOND_NS / 10; /* half a token's time after the last */
  assert_true(budget_spend(&budget, 10, now_ns));
  assert_false(budget_spend(&budget, 1, now_ns + SECOND_NS / 5 - 1));
}

static void test_refund(void **state) {
  (void)state;
  struct budget budget;
  budget_init(&budget, 2, 1, 0);
  budget_refund(&budget);
  assert_int_equal(budget.tokens, 2);
  assert_true(budget_spend(&budget, 2, 0));
  budget_refund(&budget);
  assert_true(budget_spend(&budget, 1, 0));
}

/* Time that is not enough for a token counts for the next one: spending after every 0.9 tokens
 * of time earns 90% of the rate, not half of it. */
static void test_fractions(void **state) {
  (void)state;
  enum { RATE = 10, SECONDS = 100 };
  struct budget budget;
  budget_init(&budget, 1, RATE, 0);
  unsigned spent = 0;
  for (uint64_t now_ns = 0; now_ns < SECONDS * SECOND_NS; now_ns += SECOND_NS / RATE * 9 / 10)
    spent += budget_spend(&budget, 1, now_ns);
  assert_in_range(spent, RATE * SECONDS * 9 / 10, RATE * SECONDS + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_burst), cmocka_unit_test(test_refill), cmocka_unit_test(test_fractions),
      cmocka_unit_test(test_full),  cmocka_unit_test(test_refund),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
