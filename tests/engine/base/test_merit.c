/*
 * base/test_merit.c - what is earned, up to which bound, and what it pays for.
 */
#include "engine/base/merit.h"
#include "tests/support/cmocka.h"

static struct merit merit;

static void begin(void) {
  merit_init(&merit, 0);
  merit.updates = 0;
}

/* Each kind has its bound, which the last step may pass. */
static void test_bounds(void **state) {
  (void)state;
  begin();
  for (unsigned i = 0; i < 2 * PEER_UPDATES_FREE_MAX; i++) {
    merit_opened(&merit);
    merit_answered(&merit);
    merit_sent(&merit, 1, 0);
    merit_sent(&merit, PEER_DATA_BYTES_SMALL, 0);
  }
  assert_in_range(merit.frames, PEER_EARNED_MAX, PEER_EARNED_MAX + PEER_EARNED_ANSWER - 1);
  assert_in_range(merit.updates, PEER_UPDATES_FREE_MAX,
                  PEER_UPDATES_FREE_MAX + PEER_UPDATES_FREE_DATA - 1);
  assert_in_range(merit.small_updates, PEER_UPDATES_SMALL_BURST,
                  PEER_UPDATES_SMALL_BURST + PEER_UPDATES_SMALL_DATA - 1);
}

/* What DATA earns: bytes, what the windows have left then, frames and updates of both kinds. */
static void test_data(void **state) {
  static const struct {
    uint32_t bytes, window, frames, updates, small;
  } rows[] = {{0, 100, 0, 0, 0},
              {0, 0, 0, 0, 0},
              {1, 0, 0, 0, PEER_UPDATES_SMALL_DATA},
              {PEER_DATA_BYTES_SMALL - 1, 0, 0, 0, PEER_UPDATES_SMALL_DATA},
              {PEER_DATA_BYTES_SMALL, 0, PEER_EARNED_DATA, PEER_UPDATES_FREE_DATA, 0},
              {1, 1, PEER_EARNED_DATA, PEER_UPDATES_FREE_DATA, 0}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin();
    merit_sent(&merit, rows[i].bytes, rows[i].window);
    assert_int_equal(merit.frames, rows[i].frames);
    assert_int_equal(merit.updates, rows[i].updates);
    assert_int_equal(merit.small_updates, rows[i].small);
  }
}

static void test_paying(void **state) {
  (void)state;
  begin();
  merit.frames = 3;
  assert_false(merit_pay(&merit, 4));
  assert_true(merit_pay(&merit, 3));
  assert_false(merit_pay(&merit, 1));
  merit.updates = 1;
  merit.small_updates = PEER_UPDATES_SMALL_BURST + 1;
  assert_int_equal(merit_update(&merit, 0), MERIT_UPDATE_PAID);
  for (unsigned i = 0; i < PEER_UPDATES_SMALL_BURST; i++)
    assert_int_equal(merit_update(&merit, 0), MERIT_UPDATE_PAID);
  assert_int_equal(merit_update(&merit, 0), MERIT_UPDATE_SLOW);
  assert_int_equal(merit_update(&merit, 0), MERIT_UPDATE_UNPAID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_data),
      cmocka_unit_test(test_paying),
  };
  return cmocka_run_group_tests_name("merit", tests, NULL, NULL);
}
