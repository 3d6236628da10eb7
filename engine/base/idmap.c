/*
 * base/idmap.c - a ring in which each identifier has one place; and a table for the others, with linear
 * probing and backward-shift deletion, so that there are no tombstones to clean up after millions of
 * streams.
 */
#include "engine/base/idmap.h"
#include "engine/base/limits.h"

#include <assert.h>
#include <string.h>

/* What is rare stands in functions that are not inlined: then the others need no stack. */

/* ---- both tables ----------------------------------------------------------------------------- */

void idmap_init(struct idmap *map, const struct memory *memory) {
  *map = (struct idmap){.memory = memory};
}

static void release(const struct idmap *map, struct idmap_table *table) {
  memory_free(map->memory, table->slots, table->slot_count * sizeof *table->slots);
  *table = (struct idmap_table){.slots = NULL};
}

void idmap_destroy(struct idmap *map) {
  release(map, &map->ring);
  release(map, &map->others);
}

void idmap_rest(struct idmap *map) {
  if (map->ring.count == 0) release(map, &map->ring);
  if (map->others.count == 0) release(map, &map->others);
}

static bool is_half_full(const struct idmap_table *table) {
  return (table->count + 1) * 2 > table->slot_count;
}

/* A table of twice the size, which is empty. False when memory was refused. */
static bool make_wider(const struct idmap *map, const struct idmap_table *old,
                       struct idmap_table *out) {
  out->count = 0;
  out->slot_count = old->slot_count ? old->slot_count * 2 : IDMAP_SLOTS_MIN;
  out->slots = memory_alloc(map->memory, out->slot_count * sizeof *out->slots);
  if (out->slots) memset(out->slots, 0, out->slot_count * sizeof *out->slots);
  return out->slots;
}

/* ---- the others ------------------------------------------------------------------------------ */

/* Four consecutive identifiers of one side share a group of slots, which is a cache line. The
 * groups are spread. */
static uint32_t home(const struct idmap_table *table, uint32_t id) {
  uint32_t golden =
      id / 8 * 0x9e3779b1u; /* 2^32 divided by the golden ratio: the high bits are mixed */
  uint32_t group = (uint32_t)(((uint64_t)golden * (table->slot_count / 4)) >> 32);
  return 4 * group + id / 2 % 4;
}

static uint32_t after(const struct idmap_table *table, uint32_t slot) {
  return (slot + 1) & (table->slot_count - 1);
}

static uint32_t distance(const struct idmap_table *table, uint32_t from, uint32_t to) {
  return (to - from) & (table->slot_count - 1);
}

/* The slot that holds `id`, or the free one where it would go. */
static uint32_t probe(const struct idmap_table *table, uint32_t id) {
  uint32_t slot = home(table, id);
  while (table->slots[slot].id != 0 && table->slots[slot].id != id)
    slot = after(table, slot);
  return slot;
}

#ifdef WEIR_INVARIANTS
/* Checks that every identifier of the chain that `slot` stands in, or before, is found where it
 * is. */
static void invariants(const struct idmap_table *table, uint32_t slot) {
  assert((table->slot_count & (table->slot_count - 1)) == 0);
  assert(2 * table->count <= table->slot_count);
  for (uint32_t at = slot; table->slots[at].id != 0; at = after(table, at)) {
    assert(probe(table, table->slots[at].id) == at);
    assert(table->slots[at].displaced == distance(table, home(table, table->slots[at].id), at));
  }
}
#else
static void invariants(const struct idmap_table *table, uint32_t slot) {
  (void)table, (void)slot;
}
#endif

static void *others_find(const struct idmap_table *table, uint32_t id) {
  if (table->count == 0) return NULL;
  const struct idmap_slot *slot = &table->slots[probe(table, id)];
  return slot->id == id ? slot->object : NULL;
}

/* Fills the free slot where `id` belongs. */
static void others_put(struct idmap_table *table, uint32_t id, void *object) {
  uint32_t slot = probe(table, id);
  assert(table->slots[slot].id == 0);
  table->slots[slot] = (struct idmap_slot){
      .id = id, .displaced = distance(table, home(table, id), slot), .object = object};
  table->count++;
}

static bool others_grow(struct idmap *map) {
  struct idmap_table wider, *old = &map->others;
  if (!make_wider(map, old, &wider)) return false;
  for (uint32_t i = 0; i < old->slot_count; i++)
    if (old->slots[i].id != 0) others_put(&wider, old->slots[i].id, old->slots[i].object);
  release(map, old);
  *old = wider;
  return true;
}

__attribute__((noinline)) static bool others_insert(struct idmap *map, uint32_t id, void *object) {
  if (is_half_full(&map->others) && !others_grow(map)) return false;
  others_put(&map->others, id, object);
  invariants(&map->others, home(&map->others, id));
  return true;
}

__attribute__((noinline)) static void others_remove(struct idmap_table *table, uint32_t id) {
  assert(table->count > 0);
  uint32_t hole = probe(table, id);
  assert(table->slots[hole].id == id);
  for (uint32_t slot = after(table, hole); table->slots[slot].id != 0; slot = after(table, slot)) {
    uint32_t nearer = distance(table, hole, slot);
    if (table->slots[slot].displaced < nearer)
      continue; /* in the hole it would stand before its home */
    table->slots[hole] = table->slots[slot];
    table->slots[hole].displaced -= nearer;
    hole = slot;
  }
  table->slots[hole] = (struct idmap_slot){.id = 0};
  table->count--;
  invariants(table, home(table, id));
}

/* ---- the ring -------------------------------------------------------------------------------- */

/* Both sides' identifiers rise by two. */
static struct idmap_slot *place_of(const struct idmap_table *ring, uint32_t id) {
  return &ring->slots[id / 2 & (ring->slot_count - 1)];
}

/* Two identifiers that have a place each in the smaller ring have one each in the larger one. */
static bool ring_grow(struct idmap *map) {
  struct idmap_table wider, *old = &map->ring;
  if (!make_wider(map, old, &wider)) return false;
  for (uint32_t i = 0; i < old->slot_count; i++)
    if (old->slots[i].id != 0) *place_of(&wider, old->slots[i].id) = old->slots[i];
  wider.count = old->count;
  release(map, old);
  *old = wider;
  return true;
}

void *idmap_find(const struct idmap *map, uint32_t id) {
  if (map->ring.slot_count == 0) return NULL;
  const struct idmap_slot *place = place_of(&map->ring, id);
  return place->id == id ? place->object : others_find(&map->others, id);
}

__attribute__((noinline)) static bool grow_and_insert(struct idmap *map, uint32_t id,
                                                      void *object) {
  return ring_grow(map) && idmap_insert(map, id, object);
}

bool idmap_insert(struct idmap *map, uint32_t id, void *object) {
  assert(id != 0);
  if (is_half_full(&map->ring)) return grow_and_insert(map, id, object);
  struct idmap_slot *place = place_of(&map->ring, id);
  if (place->id != 0) return others_insert(map, id, object);
  place->id = id;
  place->object = object;
  map->ring.count++;
  return true;
}

void idmap_remove(struct idmap *map, uint32_t id) {
  assert(map->ring.slot_count > 0);
  struct idmap_slot *place = place_of(&map->ring, id);
  if (place->id != id) {
    others_remove(&map->others, id);
    return;
  }
  *place = (struct idmap_slot){.id = 0};
  map->ring.count--;
}
