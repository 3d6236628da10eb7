/*
 * sched/test_order.c - the order against a list that is searched from end to end; keys that make
 * it as deep as it can get. Every failure prints the seed that replays it.
 */
#include "tests/support/cmocka.h"
#include "tests/support/random.h"

#include <stdlib.h>

#include "engine/sched/order.h"

enum { MEMBERS_MAX = 200 };

struct duel {
  unsigned seed;
  struct random random;
  struct sched_node nodes[MEMBERS_MAX];
  uint64_t arrived[MEMBERS_MAX]; /* 0: not in */
  uint64_t arrivals;
  struct sched_node *first;
};

/* Keys of a few bits or of many, near each other or far apart. */
static uint64_t draw_key(struct duel *duel, unsigned kind) {
  struct random *random = &duel->random;
  switch (kind % 4) {
  case 0: return random_below(random, 4);
  case 1: return random_below(random, 1u << 31) + ((uint64_t)1 << 40);
  case 2: return (uint64_t)1 << random_below(random, 64);
  default: return (uint64_t)random_below(random, 1u << 31) << random_below(random, 34);
  }
}

static bool goes_before(const struct duel *duel, unsigned a, unsigned b) {
  const struct sched_node *one = &duel->nodes[a], *other = &duel->nodes[b];
  bool same_key = one->start == other->start && one->finish == other->finish;
  if (same_key) return duel->arrived[a] < duel->arrived[b];
  return one->finish == other->finish ? one->start > other->start : one->finish < other->finish;
}

/* The order's answer for one limit must be the list's. */
static void check_started(struct duel *duel, uint64_t limit) {
  const struct sched_node *found = sched_order_started(duel->first, limit);
  for (unsigned i = 0; i < MEMBERS_MAX; i++) {
    if (!duel->arrived[i] || duel->nodes[i].start > limit) continue;
    if (!found || goes_before(duel, i, (unsigned)(found - duel->nodes)))
      fail_msg("seed %u: %u goes before the one that was found", duel->seed, i);
  }
  if (!found) return;
  assert_true(found->start <= limit);
  assert_true(duel->arrived[found - duel->nodes]);
}

static void check_earliest(struct duel *duel) {
  if (!duel->first) return;
  const struct sched_node *found = sched_order_earliest(duel->first);
  assert_true(duel->arrived[found - duel->nodes]);
  for (unsigned i = 0; i < MEMBERS_MAX; i++)
    if (duel->arrived[i] && duel->nodes[i].start < found->start)
      fail_msg("seed %u: %u is earlier", duel->seed, i);
}

static void come_or_go(struct duel *duel, unsigned members) {
  unsigned i = random_below(&duel->random, members);
  struct sched_node *node = &duel->nodes[i];
  if (duel->arrived[i]) {
    duel->arrived[i] = 0;
    sched_order_remove(&duel->first, node);
  } else {
    node->start = draw_key(duel, duel->seed);
    node->finish = draw_key(duel, duel->seed / 4);
    duel->arrived[i] = ++duel->arrivals;
    sched_order_add(&duel->first, node);
  }
  check_earliest(duel);
  check_started(duel, UINT64_MAX);
  check_started(duel, draw_key(duel, duel->seed));
  check_started(duel, duel->nodes[random_below(&duel->random, members)].start);
}

static void a_list_agrees(void **state) {
  (void)state;
  struct duel *duel = malloc(sizeof *duel);
  for (unsigned seed = 0; seed < 64; seed++) {
    *duel = (struct duel){.seed = seed, .random = {seed}};
    unsigned members = seed < 16 ? 4 : seed < 32 ? 20 : MEMBERS_MAX;
    for (unsigned i = 0; i < 4000; i++)
      come_or_go(duel, members);
    for (unsigned i = 0; i < members; i++)
      if (duel->arrived[i]) sched_order_remove(&duel->first, &duel->nodes[i]);
    assert_null(duel->first);
  }
  free(duel);
}

/* Each key branches off one bit further down, 127 splits on one way: as deep as can be. */
static void as_deep_as_a_key_has_bits(void **state) {
  (void)state;
  enum { DEPTH = 128 };
  struct sched_node nodes[DEPTH + 1] = {0}, *first = NULL;
  for (unsigned i = 0; i <= DEPTH; i++) {
    nodes[i].start = i < 64 ? (uint64_t)1 << i : 0;
    nodes[i].finish = i >= 64 && i < DEPTH ? (uint64_t)1 << (i - 64) : 0;
    sched_order_add(&first, &nodes[i]);
  }
  for (unsigned i = 0; i <= DEPTH; i++) {
    const struct sched_node *found = sched_order_started(first, UINT64_MAX);
    for (unsigned k = i; k <= DEPTH; k++)
      assert_true(found->finish <= nodes[k].finish);
    sched_order_remove(&first, &nodes[i]);
  }
  assert_null(first);
}

/* The example at the top of sched/order.c, step by step. */
static void the_example(void **state) {
  (void)state;
  struct sched_node a = {.start = 0, .finish = 8}, b = {.start = 0, .finish = 4},
                    c = {.start = 4, .finish = 6}, d = {.start = 5, .finish = 12}, *first = NULL;
  struct sched_node *all[] = {&d, &a, &c, &b};
  for (unsigned i = 0; i < 4; i++)
    sched_order_add(&first, all[i]);
  assert_ptr_equal(first, &b);
  assert_ptr_equal(b.below[0], &c);
  assert_ptr_equal(c.below[0], &a);
  assert_ptr_equal(c.below[1], &d);
  assert_int_equal(c.split_bit, 64 + 2);
  assert_int_equal(a.split_bit, 3);
  assert_int_equal(d.split_bit, 64 + 0);
  assert_ptr_equal(sched_order_started(first, 4), &b);
  sched_order_remove(&first, &b);
  assert_ptr_equal(first, &c);
  assert_ptr_equal(c.below[0], &a);
  assert_null(a.below[0]);
  assert_ptr_equal(a.below[1], &d);
  assert_ptr_equal(sched_order_started(first, 3), &a);
  assert_ptr_equal(sched_order_started(first, 4), &c);
  assert_ptr_equal(sched_order_earliest(first), &a);
}

static void equal_keys_in_order_of_arrival(void **state) {
  (void)state;
  struct sched_node nodes[5] = {0}, *first = NULL;
  for (unsigned i = 0; i < 5; i++)
    sched_order_add(&first, &nodes[i]);
  sched_order_remove(&first, &nodes[2]); /* in the middle */
  sched_order_remove(&first, &nodes[0]); /* the one that stands in the tree */
  sched_order_add(&first, &nodes[0]);
  const unsigned expected[] = {1, 3, 4, 0};
  for (unsigned i = 0; i < 4; i++) {
    assert_ptr_equal(sched_order_started(first, 0), &nodes[expected[i]]);
    sched_order_remove(&first, &nodes[expected[i]]);
  }
  assert_null(first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_list_agrees),
      cmocka_unit_test(as_deep_as_a_key_has_bits),
      cmocka_unit_test(the_example),
      cmocka_unit_test(equal_keys_in_order_of_arrival),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
