/*
 * base/test_window.c - credit arithmetic at its bounds, and compared with a simple model over a
 * million random steps. Spec: RFC 9113 sections 5.2 and 6.9.
 */
#include "tests/support/cmocka.h"
#include "tests/support/random.h"

#include "engine/base/window.h"

#define MAX ((int64_t)0x7fffffff)

/* ---- sending --------------------------------------------------------------------------------- */

static void test_window_bounds(void **state) {
  (void)state;
  struct window window = {65535};
  assert_false(window_add(&window, (uint32_t)(MAX - 65534))); /* 6.9.1 */
  assert_int_equal(window.bytes, 65535);
  assert_true(window_add(&window, (uint32_t)(MAX - 65535)));
  assert_int_equal(window.bytes, MAX);
  assert_false(window_add(&window, 1));
  assert_true(window_shift(&window, -MAX)); /* 6.9.2 */
  assert_int_equal(window.bytes, 0);
  assert_true(window_shift(&window, -MAX));
  assert_int_equal(window.bytes, -MAX);
  assert_int_equal(window_available(&window), 0);
  assert_true(window_add(&window, (uint32_t)MAX));
  assert_true(window_add(&window, 1));
  assert_int_equal(window_available(&window), 1);
  window_spend(&window, 1);
  assert_int_equal(window_available(&window), 0);
  window_spend(&window, 0);
}

/* The example of section 6.9.2: a window of 65535 of which 60 KB were sent, then 16 KB. */
static void test_window_negative(void **state) {
  (void)state;
  struct window window = {65535};
  window_spend(&window, 60 * 1024);
  assert_true(window_shift(&window, 16384 - 65535));
  assert_int_equal(window.bytes, 65535 - 61440 + 16384 - 65535);
  assert_int_equal(window_available(&window), 0);
  assert_true(window_add(&window, 50000));
  assert_int_equal(window_available(&window), 50000 - 45056);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void test_credit_cycle(void **state) {
  (void)state;
  struct window_credit credit;
  window_credit_init(&credit, 100);
  assert_true(window_credit_arrive(&credit, 100));
  assert_false(window_credit_arrive(&credit, 1)); /* 6.9.1 */
  assert_true(window_credit_arrive(&credit, 0));  /* an empty frame needs none */
  assert_int_equal(window_credit_take(&credit, 1), 0);
  window_credit_consume(&credit, 49);
  assert_int_equal(window_credit_take(&credit, 50), 0);
  window_credit_consume(&credit, 1);
  assert_int_equal(window_credit_due(&credit), 50);
  assert_int_equal(window_credit_take(&credit, 50), 50);
  assert_int_equal(window_credit_take(&credit, 0), 0);
  assert_true(window_credit_arrive(&credit, 50));
  assert_false(window_credit_arrive(&credit, 1));
}

static void test_credit_targets(void **state) {
  (void)state;
  struct window_credit credit;
  window_credit_init(&credit, 100);
  window_credit_retarget(&credit, (uint32_t)MAX);
  assert_int_equal(window_credit_take(&credit, 1), MAX - 100);
  assert_int_equal(credit.granted, MAX);
  window_credit_retarget(&credit, 10); /* granted credit stays granted */
  assert_int_equal(credit.granted, MAX);
  assert_true(window_credit_arrive(&credit, (uint32_t)MAX - 5));
  window_credit_consume(&credit, (uint32_t)MAX - 5);
  assert_int_equal(window_credit_take(&credit, 1), 5);
  assert_int_equal(credit.granted, 10);
}

/* Section 6.9.3: the peer sent before it knew of the smaller window. */
static void test_credit_shrink(void **state) {
  (void)state;
  struct window_credit credit;
  window_credit_init(&credit, 65535);
  assert_true(window_credit_arrive(&credit, 60000));
  window_credit_shrink(&credit, 65535 - 1000);
  assert_int_equal(credit.granted, 5535 - 64535);
  assert_false(window_credit_arrive(&credit, 1));
  assert_true(window_credit_arrive(&credit, 0));
  window_credit_consume(&credit, 60000);
  assert_int_equal(window_credit_take(&credit, 1), 60000);
  assert_int_equal(credit.granted, 1000);
}

static void test_credit_cap(void **state) {
  (void)state;
  struct window_credit credit;
  window_credit_init(&credit, 100);
  window_credit_cap(&credit, 130);
  assert_true(window_credit_arrive(&credit, 100));
  window_credit_consume(&credit, 100);
  assert_int_equal(window_credit_take(&credit, 50),
                   30); /* less than the minimum, but all there is */
  assert_int_equal(window_credit_take(&credit, 1), 0);
  window_credit_cap(&credit, WINDOW_UNCAPPED);
  assert_int_equal(window_credit_take(&credit, 50), 70);
}

/* ---- a model --------------------------------------------------------------------------------- */

static struct random chance = {1};

static uint32_t below(uint32_t bound) {
  return random_below(&chance, bound);
}

/* The peer's view of its window matches what we granted, and in the end it is the whole window. */
static void test_credit_model(void **state) {
  (void)state;
  struct window_credit credit;
  int64_t allowed = 1000, held = 0;
  uint32_t target = 1000, largest = 1000;
  window_credit_init(&credit, target);
  for (int step = 0; step < 1000000; step++) {
    uint32_t bytes = below(400);
    switch (below(4)) {
    case 0:
      if (bytes > 0) assert_int_equal(window_credit_arrive(&credit, bytes), bytes <= allowed);
      if (bytes > 0 && bytes <= allowed) {
        allowed -= bytes;
        held += bytes;
      }
      break;
    case 1:
      if (bytes > held) bytes = (uint32_t)held;
      window_credit_consume(&credit, bytes);
      held -= bytes;
      break;
    case 2: allowed += window_credit_take(&credit, below(200)); break;
    default:
      if (below(50) > 0) break;
      target = below(5000);
      if (target > largest) largest = target;
      window_credit_retarget(&credit, target);
    }
    assert_int_equal(credit.granted, allowed);
    assert_int_equal(credit.held, held);
    assert_true(allowed + held <= largest);
  }
  window_credit_consume(&credit, (uint32_t)held);
  window_credit_retarget(&credit, 6000);
  allowed += window_credit_take(&credit, 0);
  assert_int_equal(allowed, 6000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_window_bounds), cmocka_unit_test(test_window_negative),
      cmocka_unit_test(test_credit_cycle),  cmocka_unit_test(test_credit_targets),
      cmocka_unit_test(test_credit_shrink), cmocka_unit_test(test_credit_cap),
      cmocka_unit_test(test_credit_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
