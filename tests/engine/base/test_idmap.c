/*
 * base/test_idmap.c - identifiers to objects, compared with an array, in the patterns of
 * connections and in others; and refused memory.
 */
#include "engine/base/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/random.h"

#include "engine/base/idmap.h"

static struct counted_memory memory;
static struct random chance = {1};

static uint32_t below(uint32_t bound) {
  return random_below(&chance, bound);
}

static void *object_of(uint32_t id) {
  return (void *)(uintptr_t)(id * 8ull + 8);
}

static void test_empty(void **state) {
  (void)state;
  struct idmap map;
  idmap_init(&map, counted_init(&memory));
  assert_null(idmap_find(&map, 1));
  assert_int_equal(memory.bytes, 0);
  idmap_destroy(&map);
}

/* Random insertions and removals among `range` identifiers. All are looked up after each. */
static void run_random(uint32_t range, uint32_t first, uint32_t step, int rounds) {
  struct idmap map;
  bool present[512] = {false};
  assert_true(range <= 512);
  idmap_init(&map, counted_init(&memory));
  for (int round = 0; round < rounds; round++) {
    uint32_t i = below(range), id = first + i * step;
    assert_ptr_equal(idmap_find(&map, id), present[i] ? object_of(id) : NULL);
    if (present[i])
      idmap_remove(&map, id);
    else
      assert_true(idmap_insert(&map, id, object_of(id)));
    present[i] = !present[i];
    if (round % 64) continue;
    for (uint32_t k = 0; k < range; k++)
      assert_ptr_equal(idmap_find(&map, first + k * step),
                       present[k] ? object_of(first + k * step) : NULL);
  }
  idmap_destroy(&map);
  assert_int_equal(memory.bytes, 0);
}

static void test_random(void **state) {
  (void)state;
  run_random(16, 1, 2, 20000);
  run_random(512, 1, 2, 20000);
  run_random(512, 2, 2, 20000);
  run_random(200, 1, 0x01000000, 20000); /* jumps as far as identifiers allow */
  run_random(100, 0x7fffff01, 2, 20000);
}

/* A long-lived connection: the first stream stays, and a window of others moves on. */
static void test_moving(void **state) {
  (void)state;
  struct idmap map;
  idmap_init(&map, counted_init(&memory));
  for (uint32_t id = 1; id < 2000000; id += 2) {
    assert_true(idmap_insert(&map, id, object_of(id)));
    if (id < 256) continue;
    assert_ptr_equal(idmap_find(&map, id - 254), object_of(id - 254));
    idmap_remove(&map, id - 254);
    assert_null(idmap_find(&map, id - 254));
  }
  assert_int_equal(idmap_count(&map), 128);
  assert_int_equal(map.ring.slot_count, 512); /* at most half full, with one more for a moment */
  assert_true(map.others.count <= 1);         /* all but the one whose place the first stream has */
  idmap_destroy(&map);
}

/* Streams that stay open for long hold the places of later ones, and are found all the same. */
static void test_staying(void **state) {
  (void)state;
  struct idmap map;
  idmap_init(&map, counted_init(&memory));
  for (uint32_t id = 1; id < 20000; id += 2) {
    assert_true(idmap_insert(&map, id, object_of(id)));
    if (id % 1000 == 1) continue;
    assert_ptr_equal(idmap_find(&map, id), object_of(id));
    idmap_remove(&map, id);
    assert_null(idmap_find(&map, id));
  }
  assert_true(map.others.count > 0);
  assert_int_equal(idmap_count(&map), 20);
  for (uint32_t id = 1; id < 20000; id += 1000) {
    assert_ptr_equal(idmap_find(&map, id), object_of(id));
    idmap_remove(&map, id);
    assert_null(idmap_find(&map, id));
  }
  idmap_rest(&map);
  assert_int_equal(memory.bytes, 0);
}

static void test_rest(void **state) {
  (void)state;
  struct idmap map;
  idmap_init(&map, counted_init(&memory));
  assert_true(idmap_insert(&map, 1, object_of(1)));
  idmap_rest(&map);
  assert_ptr_equal(idmap_find(&map, 1), object_of(1));
  idmap_remove(&map, 1);
  idmap_rest(&map);
  assert_int_equal(memory.bytes, 0);
  assert_true(idmap_insert(&map, 3, object_of(3)));
  idmap_destroy(&map);
}

static void test_refused(void **state) {
  (void)state;
  struct idmap map;
  idmap_init(&map, counted_init(&memory));
  memory.allowed = 0;
  assert_false(idmap_insert(&map, 1, object_of(1)));
  assert_null(idmap_find(&map, 1));
  memory.allowed = 1;
  for (uint32_t id = 1; id < IDMAP_SLOTS_MIN; id += 2)
    assert_true(idmap_insert(&map, id, object_of(id)));
  assert_false(idmap_insert(&map, 101, object_of(101))); /* it would have to grow */
  for (uint32_t id = 1; id < IDMAP_SLOTS_MIN; id += 2)
    assert_ptr_equal(idmap_find(&map, id), object_of(id));
  assert_null(idmap_find(&map, 101));
  memory.allowed = 1;
  assert_true(idmap_insert(&map, 101, object_of(101)));
  assert_ptr_equal(idmap_find(&map, 101), object_of(101));
  memory.allowed = 0;
  assert_false(idmap_insert(&map, 100, object_of(100))); /* 101 has its place */
  assert_null(idmap_find(&map, 100));
  memory.allowed = 1;
  assert_true(idmap_insert(&map, 100, object_of(100)));
  assert_ptr_equal(idmap_find(&map, 100), object_of(100));
  idmap_destroy(&map);
  assert_int_equal(memory.bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_empty),   cmocka_unit_test(test_random), cmocka_unit_test(test_moving),
      cmocka_unit_test(test_staying), cmocka_unit_test(test_rest),   cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
