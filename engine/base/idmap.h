/*
 * base/idmap.h - stream identifier to stream, for the streams of one connection.
 *
 * Each identifier has one place in a ring, by its number: those that are open at the same time mostly follow
 * each other, so that each finds its place free, and the ring is walked in the order of memory. One whose place
 * another holds goes into a second table: open addressing with Fibonacci hashing of groups of four, whose
 * chains stay short both to find and to close up again. A peer cannot choose identifiers that
 * collide there for long, since it cannot hold more than the concurrency limit open.
 * Memory: none while empty; each table doubles from IDMAP_SLOTS_MIN when half full.
 */
#ifndef WEIR_IDMAP_H
#define WEIR_IDMAP_H

#include "engine/base/pool.h"

#include <stdbool.h>

struct idmap_slot {
  uint32_t id;        /* 0: free */
  uint32_t displaced; /* in the second table: slots between its home and this one */
  void *object;
};

struct idmap_table {
  struct idmap_slot *slots;
  uint32_t slot_count; /* a power of two, or 0 */
  uint32_t count;
};

struct idmap {
  const struct memory *memory;
  struct idmap_table ring, others;
};

void idmap_init(struct idmap *map, const struct memory *memory);
void idmap_destroy(struct idmap *map);

/* Gives the memory of an empty map back. */
void idmap_rest(struct idmap *map);

/* NULL when absent. */
void *idmap_find(const struct idmap *map, uint32_t id);

/* `id` is not 0 and not present (asserted). False when memory was refused. */
__attribute__((warn_unused_result)) bool idmap_insert(struct idmap *map, uint32_t id, void *object);

/* `id` is present (asserted). */
void idmap_remove(struct idmap *map, uint32_t id);

/* How many there are. */
static inline uint32_t idmap_count(const struct idmap *map) {
  return map->ring.count + map->others.count;
}

#endif
