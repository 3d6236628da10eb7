/*
 * base/pool.c - fixed-size objects cut from chunks; see base/pool.h.
 */
#include "engine/base/pool.h"

#include "engine/base/limits.h"

#include <assert.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

/* Free objects may not be touched in a build with AddressSanitizer. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
void __asan_poison_memory_region(const volatile void *bytes, size_t len);
void __asan_unpoison_memory_region(const volatile void *bytes, size_t len);
#define poison   __asan_poison_memory_region
#define unpoison __asan_unpoison_memory_region
#else
static void poison(const volatile void *bytes, size_t len) {
  (void)bytes, (void)len;
}
static void unpoison(const volatile void *bytes, size_t len) {
  (void)bytes, (void)len;
}
#endif

struct pool_chunk {
  struct pool_chunk *next;
  _Alignas(max_align_t) uint8_t objects[];
};

static size_t chunk_bytes(const struct pool *pool) {
  return sizeof(struct pool_chunk) + pool->object_bytes * pool->chunk_count;
}

#ifdef WEIR_INVARIANTS
/* Each object that was made is either out or noted as free. */
static void invariants(const struct pool *pool) {
  assert(pool->taken + pool->free_count == pool->made);
  assert(pool->taken <= pool->max);
  assert(pool->made <= pool->free_size);
  assert((pool->chunks == NULL) == (pool->made == 0));
}
#else
static void invariants(const struct pool *pool) {
  (void)pool;
}
#endif

uint32_t pool_chunk_count(size_t object_bytes) {
  uint32_t count = (uint32_t)(64 * KIB / object_bytes);
  return count ? count : 1;
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
    unpoison(chunk, chunk_bytes(pool));
    memory_free(pool->memory, chunk, chunk_bytes(pool));
  }
  memory_free(pool->memory, pool->free, pool->free_size * sizeof *pool->free);
  pool->free = NULL;
  pool->free_count = pool->free_size = pool->made = 0;
}

/* Makes room in `free` for the objects of one more chunk. False when memory was refused. */
static bool widen(struct pool *pool) {
  uint32_t needed = pool->made + pool->chunk_count;
  if (needed <= pool->free_size) return true;
  uint32_t size = needed > 2 * pool->free_size ? needed : 2 * pool->free_size;
  void **free = memory_alloc(pool->memory, size * sizeof *free);
  if (!free) return false;
  if (pool->free_count) memcpy(free, pool->free, pool->free_count * sizeof *free);
  memory_free(pool->memory, pool->free, pool->free_size * sizeof *free);
  pool->free = free;
  pool->free_size = size;
  return true;
}

/* Apart from pool_take(), which then needs no registers saved. */
__attribute__((noinline)) static void grow(struct pool *pool) {
  struct pool_chunk *chunk = widen(pool) ? memory_alloc(pool->memory, chunk_bytes(pool)) : NULL;
  if (!chunk) return;
  chunk->next = pool->chunks;
  pool->chunks = chunk;
  for (uint32_t i = pool->chunk_count; i-- > 0;)
    pool->free[pool->free_count++] = chunk->objects + i * pool->object_bytes;
  poison(chunk->objects, pool->object_bytes * pool->chunk_count);
  pool->made += pool->chunk_count;
}

/* Not inlined: then the other way needs no stack. */
__attribute__((noinline)) static void *grow_and_take(struct pool *pool) {
  grow(pool);
  return pool->free_count > 0 ? pool_take(pool) : NULL;
}

void *pool_take(struct pool *pool) {
  if (pool->taken >= pool->max) return NULL;
  if (pool->free_count == 0) return grow_and_take(pool);
  void *object = pool->free[--pool->free_count];
  unpoison(object, pool->object_bytes);
  pool->taken++;
  if (pool->taken > pool->peak) pool->peak = pool->taken;
  invariants(pool);
  return object;
}

void pool_give(struct pool *pool, void *object) {
  assert(pool->taken > 0);
  assert(pool->free_count < pool->free_size);
  poison(object, pool->object_bytes);
  pool->free[pool->free_count++] = object;
  pool->taken--;
  invariants(pool);
}

/* ---- giving back ----------------------------------------------------------------------------- */

static bool is_of(const struct pool *pool, const struct pool_chunk *chunk, const void *object) {
  const uint8_t *at = object;
  return at >= chunk->objects && at < chunk->objects + pool->object_bytes * pool->chunk_count;
}

static uint32_t count_free(const struct pool *pool, const struct pool_chunk *chunk) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < pool->free_count; i++)
    count += is_of(pool, chunk, pool->free[i]);
  return count;
}

/* Nothing of the chunk, which is in no list any more, is out. */
static void give_back(struct pool *pool, struct pool_chunk *chunk) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < pool->free_count; i++)
    if (!is_of(pool, chunk, pool->free[i])) pool->free[kept++] = pool->free[i];
  pool->free_count = kept;
  pool->made -= pool->chunk_count;
  unpoison(chunk, chunk_bytes(pool));
  memory_free(pool->memory, chunk, chunk_bytes(pool));
}

void pool_trim(struct pool *pool) {
  uint64_t keep = 2 * (uint64_t)pool->peak + pool->chunk_count;
  struct pool_chunk *looked_at = NULL, **end = &looked_at;
  for (unsigned i = 0; i < POOL_TRIM_CHUNKS && pool->chunks && pool->made > keep; i++) {
    struct pool_chunk *chunk = pool->chunks;
    pool->chunks = chunk->next;
    if (count_free(pool, chunk) == pool->chunk_count) {
      give_back(pool, chunk);
    } else {
      chunk->next = NULL;
      *end = chunk;
      end = &chunk->next;
    }
  }
  /* Others come first the next time. */
  struct pool_chunk **last = &pool->chunks;
  while (*last)
    last = &(*last)->next;
  *last = looked_at;
  pool->peak = pool->taken;
  invariants(pool);
}
