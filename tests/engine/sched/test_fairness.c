/*
 * sched/test_fairness.c - byte shares in trees converge to the weights; hostile signals cost
 * bounded time and memory. Every failure prints the seed that replays it.
 */
#include "tests/support/cmocka.h"
#include "tests/support/random.h"
#include "tests/support/world.h"

#include <stdlib.h>
#include <time.h>

/* ---- random trees ---------------------------------------------------------------------------- */

enum { TREE_NODES_MAX = 40 };

struct tree_model {
  unsigned count;
  int parent[TREE_NODES_MAX]; /* -1: none */
  uint16_t weight[TREE_NODES_MAX];
  bool ready[TREE_NODES_MAX], active[TREE_NODES_MAX];
  double share[TREE_NODES_MAX];
  unsigned depth[TREE_NODES_MAX];
};

/* Parents come before their dependants. */
static void tree_model_make(struct tree_model *model, struct random *random) {
  *model = (struct tree_model){.count = 2 + random_below(random, TREE_NODES_MAX - 2)};
  for (unsigned i = 0; i < model->count; i++) {
    model->parent[i] = (int)random_below(random, i + 1) - 1;
    model->weight[i] = (uint16_t)(1 + random_below(random, 256));
    model->ready[i] = i + 1 == model->count || random_below(random, 10) < 5;
    model->depth[i] = model->parent[i] < 0 ? 1 : model->depth[model->parent[i]] + 1;
  }
  for (unsigned i = model->count; i-- > 0;) {
    model->active[i] |= model->ready[i];
    if (model->parent[i] >= 0) model->active[model->parent[i]] |= model->active[i];
  }
  for (unsigned i = 0; i < model->count; i++) {
    int parent = model->parent[i];
    double above = parent < 0 ? 1 : model->ready[parent] ? 0 : model->share[parent], sum = 0;
    for (unsigned k = 0; k < model->count; k++)
      if (model->parent[k] == parent && model->active[k]) sum += model->weight[k];
    model->share[i] = model->active[i] ? above * model->weight[i] / sum : 0;
  }
}

static void random_trees_converge(void **state) {
  (void)state;
  for (unsigned seed = 0; seed < 150; seed++) {
    struct random random = {seed};
    struct tree_model model;
    struct world *world = world_make();
    tree_model_make(&model, &random);
    for (unsigned i = 0; i < model.count; i++) {
      struct sched_priority priority = {
          .given = SCHED_GIVEN_DEPENDENCY,
          .weight = model.weight[i],
          .parent_id = model.parent[i] < 0 ? 0 : (uint32_t)model.parent[i] * 2 + 1};
      assert_int_equal(world_open_id(world, i * 2 + 1, priority), SCHED_DONE);
    }
    /* Weights alone would not make a tree. */
    world_depend(world, 'B', 'A', 16, false);
    for (unsigned i = 0; i < model.count; i++)
      assert_int_equal(world_depend_id(world, i * 2 + 1,
                                       model.parent[i] < 0 ? 0 : (uint32_t)model.parent[i] * 2 + 1,
                                       model.weight[i], false),
                       SCHED_DONE);
    for (unsigned i = 0; i < model.count; i++)
      if (model.ready[i]) sched_ready(&world->sched, &world->streams[i].node);
    double total = 0;
    for (unsigned step = 0; step < 30000; step++) {
      size_t quantum = 0;
      struct sched_node *node = sched_next(&world->sched, &quantum);
      size_t bytes =
          seed % 2 ? 1 + random_below(&random, SCHED_QUANTUM_BYTES) : SCHED_QUANTUM_BYTES;
      sched_sent(&world->sched, node, bytes);
      world->streams[node->id / 2].sent_bytes += bytes;
      total += (double)bytes;
    }
    for (unsigned i = 0; i < model.count; i++) {
      double expected = model.ready[i] ? model.share[i] * total : 0;
      double error = (double)world->streams[i].sent_bytes - expected;
      if (error < 0) error = -error;
      /* Within one quantum a level: 1% for nodes whose part is 100 quanta. */
      if (error > (double)SCHED_QUANTUM_BYTES * model.depth[i])
        fail_msg("seed %u: stream %u of weight %u sent %llu bytes, not %f", seed, i,
                 model.weight[i], (unsigned long long)world->streams[i].sent_bytes, expected);
    }
    world_end(world);
  }
}

/* ---- hostile signals ------------------------------------------------------------------------- */

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned depth_of(const struct sched_node *node) {
  unsigned depth = 0;
  for (; node; node = node->siblings->owner)
    depth++;
  return depth;
}

/* All the memory that one connection can make the scheduler take, rounded up to whole chunks. */
static size_t memory_max(void) {
  return (SCHED_SHARES_MAX + SCHED_LEVEL_COUNT + 8) * (sizeof(struct sched_siblings) + 64) +
         (SCHED_PLACEHOLDERS_MAX + 32) * (sizeof(struct sched_placeholder) + 64) +
         4 * (sizeof(struct sched_updates_block) + 64) + 4096;
}

/* Each of 1,000 streams depends on the one before, and all of them are served. */
static void a_chain_of_1000(void **state) {
  struct world *world = *state;
  enum { DEPTH = 1000 };
  for (uint32_t i = 0; i < DEPTH; i++) {
    struct sched_priority priority = {
        .given = SCHED_GIVEN_DEPENDENCY, .weight = 16, .parent_id = i ? i * 2 - 1 : 0};
    priority.exclusive = i == 1;
    enum sched_result result = world_open_id(world, i * 2 + 1, priority);
    assert_int_equal(result, i < SCHED_SHARES_MAX ? SCHED_DONE : SCHED_NO_ROOM);
    sched_ready(&world->sched, &world->streams[i].node);
  }
  unsigned deepest = 0;
  for (uint32_t i = 0; i < DEPTH; i++) {
    unsigned depth = depth_of(&world->streams[i].node);
    if (depth > deepest) deepest = depth;
  }
  assert_int_equal(deepest, SCHED_SHARES_MAX);
  assert_true(world->memory.bytes <= memory_max());
  for (uint32_t i = 0; i < DEPTH; i++) {
    size_t quantum = 0;
    struct sched_node *node = sched_next(&world->sched, &quantum);
    assert_non_null(node);
    sched_sent(&world->sched, node, quantum);
    world_close(world, node->id);
  }
  assert_int_equal(world->sched.ready_count, 0);
}

/* The same, each exclusively below the root, so that the chain grows at its top. */
static void a_chain_from_above(void **state) {
  struct world *world = *state;
  for (uint32_t i = 0; i < 1000; i++) {
    struct sched_priority priority = {
        .given = SCHED_GIVEN_DEPENDENCY, .weight = 16, .exclusive = true};
    (void)world_open_id(world, i * 2 + 1, priority);
    sched_ready(&world->sched, &world->streams[i].node);
  }
  for (uint32_t i = 0; i < 1000; i++)
    assert_true(depth_of(&world->streams[i].node) <= SCHED_SHARES_MAX);
  assert_true(world->memory.bytes <= memory_max());
}

static void ten_thousand_idle_placeholders(void **state) {
  struct world *world = *state;
  unsigned done = 0, refused = 0;
  for (uint32_t i = 0; i < 10000; i++) {
    world->sched.churn_left = SCHED_CHURN_BURST;
    enum sched_result result =
        world_depend_id(world, 20001 + 2 * i, i ? 19999 + 2 * i : 0, 16, i & 1);
    done += result == SCHED_DONE;
    refused += result == SCHED_NO_ROOM;
  }
  assert_int_equal(done + refused, 10000);
  assert_true(done < SCHED_PLACEHOLDERS_MAX + 1);
  assert_true(world->sched.tree.placeholder_count <= SCHED_PLACEHOLDERS_MAX);
  assert_true(world->memory.bytes <= memory_max());
  /* Streams of well-behaved clients are still served. */
  world_open(world, "AB");
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 4), "A B A B");
}

/* Without the budget for signals: a million, over 10,000 streams that are all ready, with cycles
 * and exclusive flags. Bounded by the structure alone. */
static void a_million_signals(void **state) {
  struct world *world = *state;
  struct random random = {7540};
  enum { STREAMS = 10000 };
  for (uint32_t i = 0; i < STREAMS; i++) {
    (void)world_open_id(world, i * 2 + 1, SCHED_PRIORITY_DEFAULT);
    sched_ready(&world->sched, &world->streams[i].node);
  }
  double began = seconds_now();
  for (uint32_t i = 0; i < 1000000; i++) {
    uint32_t id = random_below(&random, STREAMS + 500) * 2 + 1;
    uint32_t parent = random_below(&random, 20) ? random_below(&random, STREAMS + 500) * 2 + 1 : 0;
    world->sched.churn_left = SCHED_CHURN_BURST;
    (void)world_depend_id(world, id, parent, (uint16_t)(1 + random_below(&random, 256)),
                          random_below(&random, 2));
  }
  double seconds = seconds_now() - began;
  print_message("a million signals: %.0f ns each\n", seconds * 1000);
  assert_true(seconds < 20); /* 20 us each, with sanitizers on a slow machine */
  assert_true(world->memory.bytes <= memory_max());
  world_check_tree(world);
  size_t quantum = 0;
  for (uint32_t i = 0; i < STREAMS; i++) {
    struct sched_node *node = sched_next(&world->sched, &quantum);
    assert_non_null(node);
    sched_sent(&world->sched, node, quantum);
    world_close(world, node->id);
  }
  assert_null(sched_next(&world->sched, &quantum));
}

/* With the budget nearly all of them are refused; a client that opens streams may go on. */
static void signals_have_a_budget(void **state) {
  struct world *world = *state;
  world_open(world, "AB");
  unsigned refused = 0;
  for (uint32_t i = 0; i < 1000000; i++)
    refused += world_depend_id(world, 1 + 2 * (i % 2), 3 - 2 * (i % 2), 16, true) == SCHED_CHURN;
  assert_int_equal(refused, 1000000 - SCHED_CHURN_BURST);
  assert_int_equal(world_update(world, 99, "u=1"), SCHED_CHURN);
  world_open(world, "C");
  for (unsigned i = 0; i < SCHED_CHURN_PER_STREAM; i++)
    assert_int_equal(world_depend_id(world, world_id('C'), world_id('A'), 16, false), SCHED_DONE);
  assert_int_equal(world_depend_id(world, world_id('C'), world_id('A'), 16, false), SCHED_CHURN);
}

/* For a long time, streams come and go, each a parent for a while. */
static void churn_of_streams_leaves_nothing(void **state) {
  struct world *world = *state;
  struct random random = {1};
  enum { OPEN = 100, ROUNDS = 11000 };
  for (uint32_t i = 0; i < ROUNDS; i++) {
    struct sched_priority priority = {.given = SCHED_GIVEN_DEPENDENCY,
                                      .weight = (uint16_t)(1 + random_below(&random, 256)),
                                      .exclusive = random_below(&random, 2)};
    if (i) priority.parent_id = (i - 1 - random_below(&random, i < 150 ? i : 150)) * 2 + 1;
    (void)world_open_id(world, i * 2 + 1, priority);
    sched_ready(&world->sched, &world->streams[i].node);
    if (i >= OPEN) world_close(world, (i - OPEN) * 2 + 1);
    size_t quantum = 0;
    struct sched_node *node = sched_next(&world->sched, &quantum);
    sched_sent(&world->sched, node, quantum);
  }
  world_check_tree(world);
  assert_true(world->memory.bytes <= memory_max());
}

/* ---- cost ------------------------------------------------------------------------------------ */

/* After the first round nothing more is allocated. */
static void decisions_allocate_nothing(void **state) {
  struct world *world = *state;
  enum { STREAMS = 10000 };
  for (uint32_t i = 0; i < STREAMS; i++) {
    (void)world_open_id(world, i * 2 + 1, SCHED_PRIORITY_DEFAULT);
    sched_ready(&world->sched, &world->streams[i].node);
  }
  uint64_t before = world->memory.calls;
  for (uint32_t i = 0; i < 10 * STREAMS; i++) {
    size_t quantum = 0;
    struct sched_node *node = sched_next(&world->sched, &quantum);
    sched_sent(&world->sched, node, quantum);
    sched_idle(&world->sched, node);
    sched_ready(&world->sched, node);
  }
  assert_int_equal(world->memory.calls, before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_trees_converge),
      WORLD_TEST(a_chain_of_1000),
      WORLD_TEST(a_chain_from_above),
      WORLD_TEST(ten_thousand_idle_placeholders),
      WORLD_TEST(a_million_signals),
      WORLD_TEST(signals_have_a_budget),
      WORLD_TEST(churn_of_streams_leaves_nothing),
      WORLD_TEST(decisions_allocate_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
