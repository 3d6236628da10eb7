/*
 * support/world.h - a scheduler with streams named A, B, C ... (identifiers 1, 3, 5 ...), and answers
 * that read like the specifications' examples: "A B A C A B".
 *
 * Streams are addressed by name where a test reads like a specification, and by identifier where
 * there are thousands of them.
 */
#ifndef WEIR_TESTS_WORLD_H
#define WEIR_TESTS_WORLD_H

#include "engine/sched/sched.h"
#include "tests/support/counted.h"

enum { WORLD_STREAMS_MAX = 12000, WORLD_TEXT_MAX = 4096 };

struct world_stream {
  struct sched_node node;
  bool open;
  uint64_t sent_bytes;
  uint64_t left_bytes; /* the stream goes idle and closes after these bytes; 0: endless */
};

/* One connection's scheduler, its memory and its streams by identifier / 2. */
struct world {
  struct counted_memory memory;
  struct sched_memory pools;
  struct sched sched;
  struct world_stream streams[WORLD_STREAMS_MAX];
  char text[WORLD_TEXT_MAX];
};

/* Begins an empty world. Owner: the test, until world_end(). */
struct world *world_make(void);

/* Closes open streams and frees the world. Asserts that all memory was freed. */
void world_end(struct world *world);

/* The same for cmocka: each test gets a world as its state. */
int world_set_up(void **state);
int world_tear_down(void **state);
#define WORLD_TEST(function)                                                                       \
  cmocka_unit_test_setup_teardown(function, world_set_up, world_tear_down)

uint32_t world_id(char name);
struct sched_node *world_node(struct world *world, char name);

/* ---- what a peer sends ----------------------------------------------------------------------- */

/* HEADERS without any signal, for each name. */
void world_open(struct world *world, const char *names);

/* HEADERS with a dependency; parent ' ' is none. */
void world_open_below(struct world *world, char name, char parent, uint16_t weight, bool exclusive);

/* HEADERS with a `priority` field. */
void world_open_field(struct world *world, char name, const char *value);

/* HEADERS with whatever signal, for an identifier. */
enum sched_result world_open_id(struct world *world, uint32_t id, struct sched_priority priority);

/* PRIORITY; parent ' ' is none. Must succeed. */
void world_depend(struct world *world, char name, char parent, uint16_t weight, bool exclusive);

/* PRIORITY, for identifiers. */
enum sched_result world_depend_id(struct world *world, uint32_t id, uint32_t parent_id,
                                  uint16_t weight, bool exclusive);

/* PRIORITY_UPDATE. */
enum sched_result world_update(struct world *world, uint32_t id, const char *value);

/* The stream is closed, by either side. */
void world_close(struct world *world, uint32_t id);

/* ---- what streams have to send --------------------------------------------------------------- */

/* From now on, these streams have endless data to send, or none. */
void world_ready(struct world *world, const char *names);
void world_idle(struct world *world, const char *names);

/* The stream has this much to send, then ends. */
void world_sends(struct world *world, char name, uint64_t bytes);

/* ---- what the scheduler decides -------------------------------------------------------------- */

/* Makes one decision and carries it out: sends up to a quantum. Returns the node, and sets
 * `sent` to the bytes; NULL when no stream is ready. */
struct sched_node *world_step(struct world *world, size_t *sent);

/* The names of the next `count` senders, or of fewer if no more streams are ready. Valid until
 * the next call that returns text. */
const char *world_sequence(struct world *world, int count);

/* The node in the tree for an identifier, placeholder or not; NULL when there is none. */
const struct sched_node *world_tree_node(struct world *world, uint32_t id);

/* The identifier of the parent of a node in the tree; 0: it depends on no stream. */
uint32_t world_parent(const struct sched_node *node);

/* Parents of the named streams: "A<x B<A" means that A depends on no stream and B on A; "C<?"
 * means that C is not in the tree. Valid until the next call that returns text. */
const char *world_parents(struct world *world, const char *names);

/* Asserts that the books of the tree's shares match its nodes. */
void world_check_tree(struct world *world);

#endif
