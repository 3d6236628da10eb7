/*
 * sched/test_last.c - sched_sent_last() is sched_sent() and sched_idle() in one: of two schedulers that are told
 * the same in both ways, each next sender is the same. Every failure prints the seed that replays it.
 */
#include "engine/sched/sched.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/random.h"

enum { STREAMS = 40, STEPS = 400, SEEDS = 300 };

/* The same streams twice: in the second scheduler the last bytes are told in one call. */
static struct counted_memory memory;
static struct sched_memory pools;
static struct sched scheds[2];
static struct sched_node nodes[2][STREAMS];
static bool is_open[STREAMS];
static struct random chance;

static uint32_t below(uint32_t limit) {
  return random_below(&chance, limit);
}

static struct sched_node *find(void *ctx, uint32_t id) {
  struct sched_node *of = ctx;
  for (unsigned i = 0; i < STREAMS; i++)
    if (is_open[i] && of[i].id == id) return &of[i];
  return NULL;
}

static struct sched_priority any_priority(uint32_t id) {
  struct sched_priority priority = SCHED_PRIORITY_DEFAULT;
  if (below(8) == 0) {
    priority.given = SCHED_GIVEN_EXTENSIBLE;
    priority.urgency = (uint8_t)below(8);
    priority.incremental = below(2);
  } else if (below(3) == 0) {
    priority.given = SCHED_GIVEN_DEPENDENCY;
    priority.weight = (uint16_t)(1 + below(256));
    priority.parent_id = below(20) == 0 && id > 2 ? id - 2 : 0;
  }
  return priority;
}

static void open_one(unsigned at, uint32_t id) {
  const struct sched_priority priority = any_priority(id);
  const enum sched_class content = (enum sched_class)below(SCHED_CLASS_COUNT);
  const uint32_t head_bytes = below(4) == 0 ? below(8000) : 0;
  for (unsigned i = 0; i < 2; i++) {
    sched_open(&scheds[i], &nodes[i][at], id, priority);
    sched_hint(&scheds[i], &nodes[i][at], content);
    if (head_bytes) sched_set_head_start(&scheds[i], &nodes[i][at], head_bytes, 2);
    sched_ready(&scheds[i], &nodes[i][at]);
  }
  is_open[at] = true;
}

static void end(unsigned at) {
  for (unsigned i = 0; i < 2; i++)
    sched_close(&scheds[i], &nodes[i][at]);
  is_open[at] = false;
}

/* Sends a turn, or less and no more. Some streams that have sent what they had come back. */
static void turn(uint64_t seed) {
  size_t quantum[2];
  struct sched_node *next[2];
  for (unsigned i = 0; i < 2; i++)
    next[i] = sched_next(&scheds[i], &quantum[i]);
  assert_int_equal(!next[0], !next[1]);
  if (!next[0]) return;
  if (next[0]->id != next[1]->id)
    fail_msg("seed %llu: %u, and told at once %u", (unsigned long long)seed, next[0]->id,
             next[1]->id);
  assert_int_equal(quantum[0], quantum[1]);
  const bool last = below(2) == 0;
  const size_t bytes = last ? 1 + below((uint32_t)quantum[0]) : quantum[0];
  sched_sent(&scheds[0], next[0], bytes);
  if (last) {
    sched_idle(&scheds[0], next[0]);
    sched_sent_last(&scheds[1], next[1], bytes);
    assert_false(next[1]->ready);
  } else {
    sched_sent(&scheds[1], next[1], bytes);
  }
  const unsigned at = (unsigned)(next[0] - nodes[0]);
  if (!last) return;
  if (below(3) > 0) {
    end(at);
    return;
  }
  for (unsigned i = 0; i < 2; i++)
    sched_ready(&scheds[i], &nodes[i][at]);
}

static void run(uint64_t seed) {
  uint32_t id = 1;
  chance.state = seed;
  for (unsigned i = 0; i < 2; i++) {
    sched_init(&scheds[i]);
    sched_attach(&scheds[i], &pools, find, nodes[i]);
  }
  for (unsigned step = 0; step < STEPS; step++) {
    const unsigned at = below(STREAMS);
    if (below(2) == 0 && !is_open[at]) {
      open_one(at, id);
      id += 2;
    } else {
      turn(seed);
    }
  }
  for (unsigned at = 0; at < STREAMS; at++)
    if (is_open[at]) end(at);
  for (unsigned i = 0; i < 2; i++)
    sched_destroy(&scheds[i]);
}

static void test_same_as_in_two(void **state) {
  (void)state;
  sched_memory_init(&pools, counted_init(&memory));
  for (uint64_t seed = 1; seed <= SEEDS; seed++)
    run(seed);
  sched_memory_destroy(&pools);
  assert_int_equal(memory.bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_in_two)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
