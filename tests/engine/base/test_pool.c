/*
 * base/test_pool.c - chunks are allocated when needed, and freed when a flood is over.
 */
#include "engine/base/limits.h"
#include "engine/base/pool.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

enum { CHUNK = 8, CHUNKS = 3 * POOL_TRIM_CHUNKS, OBJECTS = CHUNK * CHUNKS };

static struct counted_memory memory;
static struct pool pool;
static void *objects[OBJECTS];

static void begin(void) {
  pool_init(&pool, counted_init(&memory), 40, CHUNK, OBJECTS);
  for (unsigned i = 0; i < OBJECTS; i++)
    assert_non_null(objects[i] = pool_take(&pool));
  assert_null(pool_take(&pool)); /* the bound */
}

static void end(void) {
  pool_destroy(&pool);
  assert_int_equal(memory.bytes, 0);
}

/* A second at a time. */
static void trim(unsigned seconds) {
  for (; seconds > 0; seconds--)
    pool_trim(&pool);
}

static void test_flood(void **state) {
  (void)state;
  begin();
  trim(5);
  assert_int_equal(pool.made, OBJECTS); /* all of it is out */
  for (unsigned i = 1; i < OBJECTS; i++)
    pool_give(&pool, objects[i]);
  pool_trim(&pool); /* the peak of the second before */
  assert_int_equal(pool.made, OBJECTS);
  pool_trim(&pool);
  assert_int_equal(pool.made, OBJECTS - POOL_TRIM_CHUNKS * CHUNK);
  trim(3 * CHUNKS / POOL_TRIM_CHUNKS);
  assert_in_range(pool.made, CHUNK, 2 * CHUNK);
  void *again = pool_take(&pool); /* the rest still works */
  assert_non_null(again);
  assert_ptr_not_equal(again, objects[0]);
  pool_give(&pool, again);
  pool_give(&pool, objects[0]);
  end();
}

/* One object of each chunk is out: nothing can go, and nothing is lost. */
static void test_scattered(void **state) {
  (void)state;
  begin();
  for (unsigned i = 0; i < OBJECTS; i++)
    if (i % CHUNK) pool_give(&pool, objects[i]);
  trim(20);
  assert_int_equal(pool.made, OBJECTS);
  for (unsigned i = 0; i < OBJECTS; i += CHUNK)
    pool_give(&pool, objects[i]);
  trim(20);
  assert_in_range(pool.made, 0, 2 * CHUNK);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_flood),
      cmocka_unit_test(test_scattered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
