/*
 * sched/test_limits.c - how much a connection's scheduler may remember, and how much those of one
 * worker together: bounds of sched/limits.h.
 */
#include "engine/sched/sched.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

#include <stdlib.h>

/* A connection, with streams of the identifiers 1, 3, 5 ... */
struct peer {
  struct sched sched;
  struct sched_node *nodes;
  uint32_t first, count; /* open ones: nodes[first] .. nodes[count - 1] */
  uint32_t idle_count;
};

static struct counted_memory memory;
static struct sched_memory pools;

static struct sched_node *find(void *ctx, uint32_t id) {
  struct peer *peer = ctx;
  return id % 2 == 1 && id / 2 >= peer->first && id / 2 < peer->count ? &peer->nodes[id / 2] : NULL;
}

static struct peer *open_peer(void) {
  struct peer *peer = calloc(1, sizeof *peer);
  assert_non_null(peer);
  sched_init(&peer->sched);
  sched_attach(&peer->sched, &pools, find, peer);
  return peer;
}

static void close_peer(struct peer *peer) {
  for (uint32_t i = peer->first; i < peer->count; i++)
    sched_close(&peer->sched, &peer->nodes[i]);
  sched_destroy(&peer->sched);
  free(peer->nodes);
  free(peer);
}

/* Every stream of the peer is served: a quantum each, then it ends. */
static void check_served(struct peer *peer) {
  size_t quantum;
  for (uint32_t i = 0; i < peer->count; i++)
    sched_ready(&peer->sched, &peer->nodes[i]);
  for (uint32_t i = 0; i < peer->count; i++) {
    struct sched_node *node = sched_next(&peer->sched, &quantum);
    assert_non_null(node);
    sched_sent(&peer->sched, node, quantum);
    sched_idle(&peer->sched, node);
  }
  assert_null(sched_next(&peer->sched, &quantum));
}

/* ---- what takes one more object of a pool ---------------------------------------------------- */

typedef enum sched_result take_fn(struct peer *peer);

/* A stream that depends on the one before it. */
static enum sched_result open_below(struct peer *peer) {
  if (!peer->nodes) peer->nodes = calloc(SCHED_SHARES_MAX + 1, sizeof *peer->nodes);
  assert_true(peer->nodes && peer->count <= SCHED_SHARES_MAX);
  uint32_t id = 2 * peer->count + 1;
  struct sched_priority priority = {
      .given = SCHED_GIVEN_DEPENDENCY, .weight = 16, .parent_id = id > 1 ? id - 2 : 0};
  return sched_open(&peer->sched, &peer->nodes[peer->count++], id, priority);
}

static uint32_t idle_id(struct peer *peer) {
  return 1001 + 2 * peer->idle_count++;
}

static enum sched_result depend_idle(struct peer *peer) {
  const struct sched_dependency dependency = {.weight = 5};
  return sched_depend(&peer->sched, idle_id(peer), &dependency);
}

static enum sched_result update_idle(struct peer *peer) {
  const struct priority_field field = {.urgency = 1, .has_urgency = true};
  return sched_update(&peer->sched, idle_id(peer), &field);
}

/* ---- the bounds ------------------------------------------------------------------------------ */

static const struct row {
  const char *name;
  take_fn *take;
  struct pool *pool;
  uint32_t most, each; /* of all peers, of one peer */
} rows[] = {
    {"shares", open_below, &pools.shares, SCHED_SHARES_PER_WORKER_MAX, SCHED_SHARES_MAX},
    {"placeholders", depend_idle, &pools.placeholders, SCHED_PLACEHOLDERS_PER_WORKER_MAX,
     SCHED_PLACEHOLDERS_MAX},
    {"updates", update_idle, &pools.updates, SCHED_UPDATES_PER_WORKER_MAX, 1},
};

/* Peers take all there is. The next peer has no place, but is served; when one of them has gone,
 * there is room again. */
static void run(const struct row *row) {
  static struct peer *peers[SCHED_UPDATES_PER_WORKER_MAX];
  const uint32_t count = row->most / row->each;
  assert_true(count <= sizeof peers / sizeof *peers);
  sched_memory_init(&pools, counted_init(&memory));
  for (uint32_t i = 0; i < count; i++) {
    peers[i] = open_peer();
    for (uint32_t taken = 0; taken < row->each; taken++)
      assert_int_equal(row->take(peers[i]), SCHED_DONE);
  }
  assert_int_equal(row->pool->taken, row->most);
  struct peer *late = open_peer();
  (void)open_below(late);
  assert_int_equal(row->take(late), SCHED_NO_ROOM);
  check_served(late);
  close_peer(peers[0]);
  peers[0] = open_peer();
  for (uint32_t taken = 0; taken < row->each; taken++)
    assert_int_equal(row->take(peers[0]), SCHED_DONE);
  assert_int_equal(row->pool->taken, row->most);
  for (uint32_t i = 0; i < count; i++)
    close_peer(peers[i]);
  close_peer(late);
  sched_memory_destroy(&pools);
  assert_int_equal(memory.count, 0);
}

/* A peer alone: one stream more than it may have has no place. */
static void test_per_connection(void **state) {
  (void)state;
  static take_fn *const takes[] = {open_below, depend_idle};
  static const uint32_t most[] = {SCHED_SHARES_MAX, SCHED_PLACEHOLDERS_MAX};
  for (size_t i = 0; i < 2; i++) {
    sched_memory_init(&pools, counted_init(&memory));
    struct peer *peer = open_peer();
    for (uint32_t taken = 0; taken < most[i]; taken++)
      assert_int_equal(takes[i](peer), SCHED_DONE);
    assert_int_equal(takes[i](peer), SCHED_NO_ROOM);
    check_served(peer);
    close_peer(peer);
    sched_memory_destroy(&pools);
  }
}

/* How many idle streams find room beside a closed one with this many dependants, which is dropped
 * for the last of them where that is allowed. */
static uint32_t idle_beside(uint32_t dependants) {
  sched_memory_init(&pools, counted_init(&memory));
  struct peer *peer = open_peer();
  (void)open_below(peer);
  for (uint32_t i = 0; i < dependants; i++) {
    struct sched_priority below_first = {
        .given = SCHED_GIVEN_DEPENDENCY, .weight = 16, .parent_id = 1};
    uint32_t id = 2 * peer->count + 1;
    (void)sched_open(&peer->sched, &peer->nodes[peer->count++], id, below_first);
  }
  sched_close(&peer->sched, &peer->nodes[0]);
  peer->first = 1;
  uint32_t idle = 0;
  while (depend_idle(peer) == SCHED_DONE)
    idle++;
  close_peer(peer);
  sched_memory_destroy(&pools);
  return idle;
}

static void test_dropping(void **state) {
  (void)state;
  assert_int_equal(idle_beside(SCHED_DROP_DEPENDANTS_MAX), SCHED_PLACEHOLDERS_MAX);
  assert_int_equal(idle_beside(SCHED_DROP_DEPENDANTS_MAX + 1), SCHED_PLACEHOLDERS_MAX - 1);
}

static void test_per_worker(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    print_message("%s\n", rows[i].name);
    run(&rows[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_per_connection),
      cmocka_unit_test(test_dropping),
      cmocka_unit_test(test_per_worker),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
