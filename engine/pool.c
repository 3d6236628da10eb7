/*
 * pool.c - fixed-size objects cut from chunks; see pool.h.
 */
#include "pool.h"

#include <assert.h>

struct pool_free {
  struct pool_free *next;
};

struct pool_chunk {
  struct pool_chunk *next;
  _Alignas(max_align_t) uint8_t objects[];
};

static size_t chunk_bytes(const struct pool *pool) {
  return sizeof(struct pool_chunk) + pool->object_bytes * pool->chunk_count;
}

void pool_init(struct pool *pool, const struct memory *memory, size_t object_bytes,
               uint32_t chunk_count, uint32_t max) {
  assert(object_bytes > 0);
  assert(chunk_count > 0);
  size_t align = _Alignof(max_align_t);
  *pool = (struct pool){
      .memory = memory,
      .object_bytes = (object_bytes + align - 1) / align * align,
      .chunk_count = chunk_count,
      .max = max,
  };
}

void pool_destroy(struct pool *pool) {
  assert(pool->taken == 0);
  while (pool->chunks) {
    struct pool_chunk *chunk = pool->chunks;
    pool->chunks = chunk->next;
    memory_free(pool->memory, chunk, chunk_bytes(pool));
  }
  pool->free = NULL;
  pool->made = 0;
}

static void grow(struct pool *pool) {
  struct pool_chunk *chunk = memory_alloc(pool->memory, chunk_bytes(pool));
  if (!chunk) return;
  chunk->next = pool->chunks;
  pool->chunks = chunk;
  for (uint32_t i = pool->chunk_count; i-- > 0;) {
    struct pool_free *object = (void *)(chunk->objects + i * pool->object_bytes);
    object->next = pool->free;
    pool->free = object;
  }
  pool->made += pool->chunk_count;
}

void *pool_take(struct pool *pool) {
  if (pool->taken >= pool->max) return NULL;
  if (!pool->free) grow(pool);
  struct pool_free *object = pool->free;
  if (!object) return NULL;
  pool->free = object->next;
  pool->taken++;
  return object;
}

void pool_give(struct pool *pool, void *object) {
  assert(pool->taken > 0);
  struct pool_free *entry = object;
  entry->next = pool->free;
  pool->free = entry;
  pool->taken--;
}
