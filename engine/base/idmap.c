/*
 * base/idmap.c - linear probing with backward-shift deletion, so that there are no tombstones to
 * clean up after millions of streams.
 */
#include "engine/base/idmap.h"

#include <assert.h>
#include <string.h>

void idmap_init(struct idmap *map, const struct memory *memory) {
  *map = (struct idmap){.memory = memory};
}

void idmap_destroy(struct idmap *map) {
  memory_free(map->memory, map->slots, map->slot_count * sizeof *map->slots);
  *map = (struct idmap){.memory = map->memory};
}

void idmap_rest(struct idmap *map) {
  if (map->count == 0) idmap_destroy(map);
}

/* Four consecutive identifiers of one side share a group of slots, which is a cache line. The
 * groups are spread. */
static uint32_t home(const struct idmap *map, uint32_t id) {
  uint32_t golden =
      id / 8 * 0x9e3779b1u; /* 2^32 divided by the golden ratio: the high bits are mixed */
  uint32_t group = (uint32_t)(((uint64_t)golden * (map->slot_count / 4)) >> 32);
  return 4 * group + id / 2 % 4;
}

static uint32_t after(const struct idmap *map, uint32_t slot) {
  return (slot + 1) & (map->slot_count - 1);
}

static uint32_t distance(const struct idmap *map, uint32_t from, uint32_t to) {
  return (to - from) & (map->slot_count - 1);
}

/* The slot that holds `id`, or the free one where it would go. */
static uint32_t probe(const struct idmap *map, uint32_t id) {
  uint32_t slot = home(map, id);
  while (map->slots[slot].id != 0 && map->slots[slot].id != id)
    slot = after(map, slot);
  return slot;
}

#ifdef WEIR_INVARIANTS
/* Checks that every identifier of the chain that `slot` stands in, or before, is found where it
 * is. */
static void invariants(const struct idmap *map, uint32_t slot) {
  assert((map->slot_count & (map->slot_count - 1)) == 0);
  assert(2 * map->count <= map->slot_count);
  for (uint32_t at = slot; map->slots[at].id != 0; at = after(map, at)) {
    assert(probe(map, map->slots[at].id) == at);
    assert(map->slots[at].displaced == distance(map, home(map, map->slots[at].id), at));
  }
}
#else
static void invariants(const struct idmap *map, uint32_t slot) {
  (void)map, (void)slot;
}
#endif

void *idmap_find(const struct idmap *map, uint32_t id) {
  if (map->count == 0) return NULL;
  const struct idmap_slot *slot = &map->slots[probe(map, id)];
  return slot->id == id ? slot->object : NULL;
}

/* Fills the free slot where `id` belongs. */
static void put(struct idmap *map, uint32_t id, void *object) {
  uint32_t slot = probe(map, id);
  assert(map->slots[slot].id == 0);
  map->slots[slot] = (struct idmap_slot){
      .id = id, .displaced = distance(map, home(map, id), slot), .object = object};
}

static bool grow(struct idmap *map) {
  struct idmap old = *map;
  map->slot_count = old.slot_count ? old.slot_count * 2 : IDMAP_SLOTS_MIN;
  map->slots = memory_alloc(map->memory, map->slot_count * sizeof *map->slots);
  if (!map->slots) {
    *map = old;
    return false;
  }
  memset(map->slots, 0, map->slot_count * sizeof *map->slots);
  for (uint32_t i = 0; i < old.slot_count; i++)
    if (old.slots[i].id != 0) put(map, old.slots[i].id, old.slots[i].object);
  memory_free(map->memory, old.slots, old.slot_count * sizeof *old.slots);
  return true;
}

bool idmap_insert(struct idmap *map, uint32_t id, void *object) {
  assert(id != 0);
  if ((map->count + 1) * 2 > map->slot_count && !grow(map)) return false;
  put(map, id, object);
  map->count++;
  invariants(map, home(map, id));
  return true;
}

void idmap_remove(struct idmap *map, uint32_t id) {
  assert(map->count > 0);
  uint32_t hole = probe(map, id);
  assert(map->slots[hole].id == id);
  for (uint32_t slot = after(map, hole); map->slots[slot].id != 0; slot = after(map, slot)) {
    uint32_t nearer = distance(map, hole, slot);
    if (map->slots[slot].displaced < nearer)
      continue; /* in the hole it would stand before its home */
    map->slots[hole] = map->slots[slot];
    map->slots[hole].displaced -= nearer;
    hole = slot;
  }
  map->slots[hole].id = 0;
  map->count--;
  invariants(map, home(map, id));
}
