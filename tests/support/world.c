/*
 * support/world.c - a scheduler with streams named A, B, C ...
 */
#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

static struct sched_node *find(void *ctx, uint32_t id) {
  struct world *world = ctx;
  if (id % 2 == 0 || id / 2 >= WORLD_STREAMS_MAX) return NULL;
  struct world_stream *stream = &world->streams[id / 2];
  return stream->open ? &stream->node : NULL;
}

struct world *world_make(void) {
  struct world *world = calloc(1, sizeof *world);
  sched_memory_init(&world->pools, counted_init(&world->memory));
  sched_init(&world->sched);
  sched_attach(&world->sched, &world->pools, find, world);
  return world;
}

void world_close(struct world *world, uint32_t id) {
  struct world_stream *stream = &world->streams[id / 2];
  stream->open = false; /* first: the scheduler must no longer find it */
  sched_close(&world->sched, &stream->node);
}

void world_end(struct world *world) {
  for (uint32_t i = 0; i < WORLD_STREAMS_MAX; i++)
    if (world->streams[i].open) world_close(world, i * 2 + 1);
  sched_destroy(&world->sched);
  sched_memory_destroy(&world->pools);
  assert_int_equal(world->memory.bytes, 0);
  free(world);
}

int world_set_up(void **state) {
  *state = world_make();
  return 0;
}

int world_tear_down(void **state) {
  world_end(*state);
  return 0;
}

uint32_t world_id(char name) {
  return (uint32_t)(name - 'A') * 2 + 1;
}

struct sched_node *world_node(struct world *world, char name) {
  return &world->streams[world_id(name) / 2].node;
}

enum sched_result world_open_id(struct world *world, uint32_t id, struct sched_priority priority) {
  struct world_stream *stream = &world->streams[id / 2];
  *stream = (struct world_stream){.open = true};
  return sched_open(&world->sched, &stream->node, id, priority);
}

void world_ready(struct world *world, const char *names) {
  for (; *names; names++)
    sched_ready(&world->sched, world_node(world, *names));
}

void world_idle(struct world *world, const char *names) {
  for (; *names; names++)
    sched_idle(&world->sched, world_node(world, *names));
}

void world_open(struct world *world, const char *names) {
  for (; *names; names++)
    (void)world_open_id(world, world_id(*names), SCHED_PRIORITY_DEFAULT);
}

void world_open_below(struct world *world, char name, char parent, uint16_t weight,
                      bool exclusive) {
  struct sched_priority priority = SCHED_PRIORITY_DEFAULT;
  priority.given = SCHED_GIVEN_DEPENDENCY;
  priority.weight = weight;
  priority.exclusive = exclusive;
  priority.parent_id = parent == ' ' ? 0 : world_id(parent);
  assert_int_equal(world_open_id(world, world_id(name), priority), SCHED_DONE);
}

void world_open_field(struct world *world, char name, const char *value) {
  struct sched_priority priority = SCHED_PRIORITY_DEFAULT;
  struct priority_field field = PRIORITY_FIELD_NONE;
  priority_field_parse(&field, span_of(value, strlen(value)));
  assert_false(field.malformed);
  priority.given = SCHED_GIVEN_EXTENSIBLE;
  priority.urgency = field.urgency;
  priority.incremental = field.incremental;
  assert_int_equal(world_open_id(world, world_id(name), priority), SCHED_DONE);
}

enum sched_result world_depend_id(struct world *world, uint32_t id, uint32_t parent_id,
                                  uint16_t weight, bool exclusive) {
  struct sched_dependency dependency = {parent_id, weight, exclusive};
  return sched_depend(&world->sched, id, &dependency);
}

void world_depend(struct world *world, char name, char parent, uint16_t weight, bool exclusive) {
  assert_int_equal(world_depend_id(world, world_id(name), parent == ' ' ? 0 : world_id(parent),
                                   weight, exclusive),
                   SCHED_DONE);
}

enum sched_result world_update(struct world *world, uint32_t id, const char *value) {
  struct priority_field field = PRIORITY_FIELD_NONE;
  priority_field_parse(&field, span_of(value, strlen(value)));
  return sched_update(&world->sched, id, &field);
}

void world_sends(struct world *world, char name, uint64_t bytes) {
  world->streams[world_id(name) / 2].left_bytes = bytes;
  sched_ready(&world->sched, world_node(world, name));
}

struct sched_node *world_step(struct world *world, size_t *sent) {
  size_t quantum = 0;
  struct sched_node *node = sched_next(&world->sched, &quantum);
  if (!node) return NULL;
  struct world_stream *stream = &world->streams[node->id / 2];
  assert_true(stream->open && node == &stream->node && node->ready);
  size_t bytes = quantum > SCHED_QUANTUM_BYTES ? SCHED_QUANTUM_BYTES : quantum;
  bool last = stream->left_bytes > 0 && stream->left_bytes <= bytes;
  if (last) bytes = stream->left_bytes;
  sched_sent(&world->sched, node, bytes);
  stream->sent_bytes += bytes;
  if (stream->left_bytes) stream->left_bytes -= bytes;
  if (last) world_close(world, node->id);
  *sent = bytes;
  return node;
}

const char *world_sequence(struct world *world, int count) {
  char *at = world->text;
  assert_true(count * 2 < WORLD_TEXT_MAX);
  for (int i = 0; i < count; i++) {
    size_t sent = 0;
    struct sched_node *node = world_step(world, &sent);
    if (!node) break;
    if (i) *at++ = ' ';
    *at++ = (char)('A' + node->id / 2);
  }
  *at = '\0';
  return world->text;
}

const struct sched_node *world_tree_node(struct world *world, uint32_t id) {
  const struct sched_node *node = find(world, id);
  if (node) return node->siblings ? node : NULL;
  const struct sched_placeholder *placeholder =
      world->sched.tree.buckets[id / 2 % SCHED_BUCKET_COUNT];
  while (placeholder && placeholder->node.id != id)
    placeholder = placeholder->bucket_next;
  return placeholder ? &placeholder->node : NULL;
}

uint32_t world_parent(const struct sched_node *node) {
  return node->siblings->owner ? node->siblings->owner->id : 0;
}

const char *world_parents(struct world *world, const char *names) {
  char *at = world->text;
  for (const char *name = names; *name; name++) {
    const struct sched_node *node = world_tree_node(world, world_id(*name));
    if (name != names) *at++ = ' ';
    *at++ = *name;
    *at++ = '<';
    uint32_t parent = node ? world_parent(node) : 0;
    *at++ = !node ? '?' : parent ? (char)('A' + parent / 2) : 'x';
  }
  *at = '\0';
  return world->text;
}

/* The number of nodes in an order. */
static uint32_t members_in(const struct sched_node *first) {
  if (!first) return 0;
  uint32_t count = 1;
  for (const struct sched_node *equal = first->next; equal != first; equal = equal->next)
    count++;
  return count + members_in(first->below[0]) + members_in(first->below[1]);
}

/* Asserts that the shares' books match the nodes. */
static void check_siblings(const struct sched_siblings *siblings, const struct sched_node *owner) {
  uint32_t count = 0, active = 0, weights = 0;
  assert_ptr_equal(siblings->owner, owner);
  for (const struct sched_node *node = siblings->first; node; node = node->sibling_next) {
    assert_ptr_equal(node->siblings, siblings);
    bool below = node->dependants && sched_share_busy(&node->dependants->share);
    assert_int_equal(node->active, node->queue == SCHED_QUEUE_TREE || below);
    count++;
    active += node->active;
    weights += node->active ? node->weight_16ths : 0;
    if (node->dependants) check_siblings(node->dependants, node);
  }
  assert_int_equal(count, siblings->count);
  assert_int_not_equal(count, 0);
  assert_int_equal(active, members_in(siblings->share.first));
  assert_int_equal(weights, siblings->share.weight_sum_16ths);
}

void world_check_tree(struct world *world) {
  check_siblings(world->sched.tree.root, NULL);
}
