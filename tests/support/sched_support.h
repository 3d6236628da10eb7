/*
 * support/sched_support.h - a scheduler with streams named A, B, C ... (identifiers 1, 3, 5 ...), memory
 * that counts, and answers that read like the specifications' examples: "A B A C A B".
 */
#ifndef WEIR_TESTS_SCHED_SUPPORT_H
#define WEIR_TESTS_SCHED_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sched/sched.h"

/* Numbers that a seed decides. */
struct seeded {
  uint64_t state;
};

static inline uint32_t draw(struct seeded *seeded, uint32_t below) {
  seeded->state = seeded->state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((seeded->state >> 33) % below);
}

static inline struct seeded seed_of(unsigned seed) {
  struct seeded seeded = {seed * 0x9e3779b97f4a7c15u + 1};
  draw(&seeded, 2);
  return seeded;
}

enum { WORLD_STREAMS_MAX = 12000, WORLD_TEXT_MAX = 4096 };

struct world_stream {
  struct sched_node node;
  bool open;
  uint64_t sent_bytes;
  uint64_t left_bytes; /* the stream goes idle and closes after these; 0: endless */
};

/* One connection, its memory and its streams by identifier / 2. */
struct world {
  struct memory memory;
  size_t allocated_bytes;
  unsigned allocations;
  bool refuse;
  struct sched_memory pools;
  struct sched sched;
  struct world_stream streams[WORLD_STREAMS_MAX];
  char text[WORLD_TEXT_MAX];
};

static inline void *world_alloc(void *ctx, size_t bytes) {
  struct world *world = ctx;
  if (world->refuse) return NULL;
  world->allocations++;
  world->allocated_bytes += bytes;
  return malloc(bytes);
}

static inline void world_free(void *ctx, void *object, size_t bytes) {
  struct world *world = ctx;
  world->allocated_bytes -= bytes;
  free(object);
}

static inline struct sched_node *world_find(void *ctx, uint32_t id) {
  struct world *world = ctx;
  if (id % 2 == 0 || id / 2 >= WORLD_STREAMS_MAX) return NULL;
  struct world_stream *stream = &world->streams[id / 2];
  return stream->open ? &stream->node : NULL;
}

static inline struct world *world_make(void) {
  struct world *world = calloc(1, sizeof *world);
  world->memory = (struct memory){world, world_alloc, world_free};
  sched_memory_init(&world->pools, &world->memory);
  sched_init(&world->sched);
  sched_attach(&world->sched, &world->pools, world_find, world);
  return world;
}

static inline void world_close(struct world *world, uint32_t id) {
  struct world_stream *stream = &world->streams[id / 2];
  stream->open = false; /* first: the scheduler must not find it any more */
  sched_close(&world->sched, &stream->node);
}

/* Every byte must come back. */
static inline void world_end(struct world *world) {
  for (uint32_t i = 0; i < WORLD_STREAMS_MAX; i++)
    if (world->streams[i].open) world_close(world, i * 2 + 1);
  sched_destroy(&world->sched);
  sched_memory_destroy(&world->pools);
  assert_int_equal(world->allocated_bytes, 0);
  free(world);
}

static inline uint32_t id_of(char name) {
  return (uint32_t)(name - 'A') * 2 + 1;
}

static inline struct sched_node *node_of(struct world *world, char name) {
  return &world->streams[id_of(name) / 2].node;
}

static inline enum sched_result open_id(struct world *world, uint32_t id,
                                        struct sched_priority priority) {
  struct world_stream *stream = &world->streams[id / 2];
  *stream = (struct world_stream){.open = true};
  return sched_open(&world->sched, &stream->node, id, priority);
}

static inline void ready(struct world *world, const char *names) {
  for (; *names; names++)
    sched_ready(&world->sched, node_of(world, *names));
}

static inline void idle(struct world *world, const char *names) {
  for (; *names; names++)
    sched_idle(&world->sched, node_of(world, *names));
}

/* HEADERS without any signal. */
static inline void open_plain(struct world *world, const char *names) {
  for (; *names; names++)
    (void)open_id(world, id_of(*names), SCHED_PRIORITY_DEFAULT);
}

/* HEADERS with a dependency; parent ' ' is none. */
static inline void open_below(struct world *world, char name, char parent, uint16_t weight,
                              bool exclusive) {
  struct sched_priority priority = SCHED_PRIORITY_DEFAULT;
  priority.given = SCHED_GIVEN_DEPENDENCY;
  priority.weight = weight;
  priority.exclusive = exclusive;
  priority.parent_id = parent == ' ' ? 0 : id_of(parent);
  assert_int_equal(open_id(world, id_of(name), priority), SCHED_DONE);
}

/* HEADERS with a `priority` field. */
static inline void open_field(struct world *world, char name, const char *value) {
  struct sched_priority priority = SCHED_PRIORITY_DEFAULT;
  struct priority_field field = PRIORITY_FIELD_NONE;
  priority_field_parse(&field, span_of(value, strlen(value)));
  assert_false(field.malformed);
  priority.given = SCHED_GIVEN_EXTENSIBLE;
  priority.urgency = field.urgency;
  priority.incremental = field.incremental;
  assert_int_equal(open_id(world, id_of(name), priority), SCHED_DONE);
}

/* PRIORITY. */
static inline enum sched_result depend_id(struct world *world, uint32_t id, uint32_t parent_id,
                                          uint16_t weight, bool exclusive) {
  struct sched_dependency dependency = {parent_id, weight, exclusive};
  return sched_depend(&world->sched, id, &dependency);
}

static inline void depend(struct world *world, char name, char parent, uint16_t weight,
                          bool exclusive) {
  assert_int_equal(
      depend_id(world, id_of(name), parent == ' ' ? 0 : id_of(parent), weight, exclusive),
      SCHED_DONE);
}

/* PRIORITY_UPDATE. */
static inline enum sched_result update_id(struct world *world, uint32_t id, const char *value) {
  struct priority_field field = PRIORITY_FIELD_NONE;
  priority_field_parse(&field, span_of(value, strlen(value)));
  return sched_update(&world->sched, id, &field);
}

/* The stream has this much to send, then ends. */
static inline void sends(struct world *world, char name, uint64_t bytes) {
  world->streams[id_of(name) / 2].left_bytes = bytes;
  sched_ready(&world->sched, node_of(world, name));
}

/* One decision, and what it says done. Returns the node, or NULL. */
static inline struct sched_node *step(struct world *world, size_t *sent) {
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

/* The names of the next `count` senders, or of fewer when nobody is ready any more. */
static inline const char *sequence(struct world *world, int count) {
  char *at = world->text;
  for (int i = 0; i < count; i++) {
    size_t sent = 0;
    struct sched_node *node = step(world, &sent);
    if (!node) break;
    if (i) *at++ = ' ';
    *at++ = (char)('A' + node->id / 2);
  }
  *at = '\0';
  return world->text;
}

/* The node in the tree for an identifier, placeholder or not; NULL when there is none. */
static inline const struct sched_node *tree_node(struct world *world, uint32_t id) {
  const struct sched_node *node = world_find(world, id);
  if (node) return node->siblings ? node : NULL;
  const struct sched_placeholder *placeholder =
      world->sched.tree.buckets[id / 2 % SCHED_BUCKET_COUNT];
  while (placeholder && placeholder->node.id != id)
    placeholder = placeholder->bucket_next;
  return placeholder ? &placeholder->node : NULL;
}

/* Parents of the named streams: "A<x B<A" says that A depends on no stream and B on A; "C<?" that C
 * is not in the tree. */
static inline const char *parents(struct world *world, const char *names) {
  char *at = world->text;
  for (const char *name = names; *name; name++) {
    const struct sched_node *node = tree_node(world, id_of(*name));
    if (name != names) *at++ = ' ';
    *at++ = *name;
    *at++ = '<';
    uint32_t parent = node ? sched_view(node).parent_id : 0;
    *at++ = !node ? '?' : parent ? (char)('A' + parent / 2) : 'x';
  }
  *at = '\0';
  return world->text;
}

#endif
