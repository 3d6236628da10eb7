/*
 * sched/test_update.c - priorities that arrived before their stream: kept until it, or a later one of its side, opens.
 */
#include "engine/sched/update.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

static struct counted_memory memory;
static struct pool pool;
static struct sched_updates updates;

static int setup(void **state) {
  (void)state;
  pool_init(&pool, counted_init(&memory), sizeof(struct sched_updates_block), 4, 4);
  updates = (struct sched_updates){.pool = &pool};
  return 0;
}

static int teardown(void **state) {
  (void)state;
  sched_updates_free(&updates);
  assert_int_equal(pool.taken, 0);
  pool_destroy(&pool);
  assert_int_equal(memory.count, 0);
  return 0;
}

static bool put(uint32_t id, uint8_t urgency) {
  return sched_updates_put(&updates, (struct sched_updates_entry){.id = id, .urgency = urgency});
}

/* The urgency that was kept for the stream; -1: none. */
static int take(uint32_t id) {
  struct sched_updates_entry entry;
  return sched_updates_take(&updates, id, &entry) ? entry.urgency : -1;
}

static void test_last_one(void **state) {
  (void)state;
  assert_true(put(3, 1) && put(3, 2));
  assert_int_equal(updates.count, 1);
  assert_int_equal(take(3), 2);
  assert_int_equal(take(3), -1);
  assert_int_equal(pool.taken, 0);
}

/* A stream that opens skips those with lower identifiers, of the same side only. */
static void test_skipped(void **state) {
  (void)state;
  assert_true(put(1, 1) && put(4, 2) && put(3, 3) && put(9, 4));
  assert_int_equal(take(5), -1);
  assert_int_equal(updates.count, 2);
  assert_int_equal(take(3), -1);
  assert_int_equal(take(4), 2);
  assert_int_equal(take(9), 4);
}

static void test_most(void **state) {
  (void)state;
  for (uint32_t i = 0; i < SCHED_UPDATES_MAX; i++)
    assert_true(put(2 * i + 1, 1));
  assert_false(put(2 * SCHED_UPDATES_MAX + 1, 1));
  assert_true(put(1, 2)); /* in the place of its own */
  assert_int_equal(take(1), 2);
}

/* What was freed is empty, and can be used again. */
static void test_freed(void **state) {
  (void)state;
  assert_true(put(1, 1) && put(3, 3));
  sched_updates_free(&updates);
  assert_int_equal(pool.taken, 0);
  assert_int_equal(take(1), -1);
  assert_true(put(5, 5));
  assert_int_equal(updates.count, 1);
  assert_int_equal(take(5), 5);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(test_last_one), TEST(test_skipped), TEST(test_most),
                                     TEST(test_freed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
