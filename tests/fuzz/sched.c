/*
 * fuzz/sched.c - bytes as events of one connection's scheduler: streams, signals of both kinds,
 * decisions, and memory that is sometimes refused.
 *
 * After each step: every bound holds, a share's books match its members, a chosen stream is ready,
 * and one is chosen if any is ready. In the end, all memory has been freed.
 */
#include "engine/sched/sched.h"
#include "tests/support/counted.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { STREAMS_MAX = 256 };

struct world {
  struct counted_memory memory;
  struct sched_memory pools;
  struct sched sched;
  struct sched_node nodes[STREAMS_MAX];
  bool open[STREAMS_MAX];
  const uint8_t *at, *end;
};

static struct sched_node *find(void *ctx, uint32_t id) {
  struct world *world = ctx;
  return id % 2 && id / 2 < STREAMS_MAX && world->open[id / 2] ? &world->nodes[id / 2] : NULL;
}

static unsigned next(struct world *world) {
  return world->at < world->end ? *world->at++ : 0;
}

/* The number of members of an order. A loser never finishes before the winner. */
static uint32_t members_in(const struct sched_node *node, uint64_t won) {
  if (!node) return 0;
  uint32_t count = 1;
  assert(node->finish >= won);
  for (const struct sched_node *equal = node->next; equal != node; equal = equal->next)
    count++;
  return count + members_in(node->below[0], won) + members_in(node->below[1], won);
}

static void check_siblings(const struct sched_siblings *siblings, unsigned depth) {
  uint32_t count = 0, active = 0, weights = 0;
  assert(depth <= SCHED_SHARES_MAX);
  for (const struct sched_node *node = siblings->first; node; node = node->sibling_next) {
    bool below = node->dependants && sched_share_busy(&node->dependants->share);
    assert(node->siblings == siblings);
    assert(node->active == (node->queue == SCHED_QUEUE_TREE || below));
    count++;
    active += node->active;
    weights += node->active ? node->weight_16ths : 0;
    if (!node->dependants) continue;
    assert(node->dependants->owner == node);
    check_siblings(node->dependants, depth + 1);
  }
  assert(count > 0 && count == siblings->count);
  assert(active == members_in(siblings->share.first, 0) &&
         weights == siblings->share.weight_sum_16ths);
}

/* A ready node is among the heads if it is ahead by some bytes of its head start or of the
 * extension, and among the rests if only the extension is left. */
static void check_heads(const struct sched_node *node) {
  bool left = node->head_bytes > 0 || node->head_rest_bytes > 0;
  bool ahead = node->siblings || node->head_urgency < node->urgency;
  assert(node->in_heads == (node->ready && left && ahead));
  assert(node->in_rests == (node->in_heads && node->head_bytes == 0));
}

static void check(const struct world *world) {
  const struct sched_tree *tree = &world->sched.tree;
  uint32_t ready = 0, critical = 0;
  for (unsigned i = 0; i < STREAMS_MAX; i++) {
    if (world->open[i]) check_heads(&world->nodes[i]);
    ready += world->open[i] && world->nodes[i].ready;
    critical += world->open[i] && world->nodes[i].ready && world->nodes[i].critical;
  }
  assert(ready == world->sched.ready_count && critical == world->sched.critical_count);
  assert(tree->share_count <= SCHED_SHARES_MAX);
  assert(tree->placeholder_count <= SCHED_PLACEHOLDERS_MAX);
  assert(world->sched.updates.count <= SCHED_UPDATES_MAX);
  if (tree->root) check_siblings(tree->root, 1);
}

static void decide(struct world *world) {
  size_t quantum = 0;
  struct sched_node *node = sched_next(&world->sched, &quantum);
  assert(!node == (world->sched.ready_count == 0));
  if (!node) return;
  assert(node->ready && quantum > 0 && quantum <= SCHED_QUANTUM_ALONE_BYTES);
  unsigned part = next(world);
  if (part % 4 == 3) sched_idle(&world->sched, node); /* while it is asked */
  sched_sent(&world->sched, node, quantum * part / 255);
}

static void open_stream(struct world *world, unsigned i) {
  if (world->open[i]) return;
  unsigned flags = next(world);
  struct sched_priority priority = {.given = flags & 3,
                                    .exclusive = flags & 4,
                                    .incremental = flags & 8,
                                    .urgency = flags >> 4 & 7,
                                    .weight = (uint16_t)(next(world) + 1),
                                    .parent_id = next(world)};
  world->open[i] = true;
  (void)sched_open(&world->sched, &world->nodes[i], i * 2 + 1, priority);
}

static void close_stream(struct world *world, unsigned i) {
  world->open[i] = false;
  sched_close(&world->sched, &world->nodes[i]);
}

static void change(struct world *world, struct sched_node *node, unsigned what) {
  struct priority_field field = {.urgency = what >> 4 & 7,
                                 .incremental = what & 8,
                                 .has_urgency = what & 4,
                                 .has_incremental = what & 8};
  switch (what & 3) {
  case 0:
    sched_hint(&world->sched, node, (enum sched_class)(next(world) % SCHED_CLASS_COUNT));
    break;
  case 1:
    sched_set_head_start(&world->sched, node, next(world) * 200, what >> 4 & 7);
    if (what & 4) sched_extend_head_start(&world->sched, node, next(world) * 200);
    break;
  case 2: sched_merge(&world->sched, node, &field); break;
  default: node->ready ? sched_idle(&world->sched, node) : sched_ready(&world->sched, node);
  }
}

static void step(struct world *world) {
  unsigned what = next(world), i = next(world);
  struct sched_dependency dependency = {0};
  struct priority_field field = {0};
  switch (what % 8) {
  case 0: open_stream(world, i); break;
  case 1:
    if (world->open[i]) close_stream(world, i);
    break;
  case 2:
  case 3:
    dependency.parent_id = next(world) | (what & 0x80) << 1;
    dependency.weight = (uint16_t)(next(world) + 1);
    dependency.exclusive = what & 0x10;
    (void)!sched_depend(&world->sched, i * 2 + 1 + (what & 0x40) * 8, &dependency);
    break;
  case 4:
    field.urgency = what >> 4 & 7;
    field.incremental = what & 8;
    (void)!sched_update(&world->sched, i * 2 + 1, &field);
    break;
  case 5:
    if (world->open[i]) change(world, &world->nodes[i], next(world));
    break;
  case 6: world->memory.allowed = what & 0x80 && what & 0x40 ? 0 : UINT64_MAX; break;
  default: decide(world);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct world *world = calloc(1, sizeof *world);
  if (!world) return 0;
  world->at = bytes;
  world->end = bytes + len;
  sched_memory_init(&world->pools, counted_init(&world->memory));
  sched_init(&world->sched);
  sched_attach(&world->sched, &world->pools, find, world);
  while (world->at < world->end) {
    step(world);
    check(world);
  }
  for (unsigned i = 0; i < STREAMS_MAX; i++)
    if (world->open[i]) close_stream(world, i);
  sched_destroy(&world->sched);
  sched_memory_destroy(&world->pools);
  assert(world->memory.bytes == 0);
  free(world);
  return 0;
}
