/*
 * tls/slab.c - a stack of slab indices over one reservation of address space.
 *
 * The stack makes the slab that was given back last the next one taken, so that a quiet worker
 * touches few pages, and low indices are taken first, so that an index tells how crowded it is.
 */
#include "io/tls/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "io/base/limits.h"

_Static_assert(TLS_SLAB_BYTES >=
                   4 * (TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD_BYTES) + TLS_SLAB_RESERVE_BYTES,
               "four records and the reserve fit");

#ifdef WEIR_INVARIANTS
static void invariants(const struct tls_slab *slab) {
  const struct tls_slab_pool *pool = slab->pool;
  assert(pool->taken <= pool->peak && pool->peak <= pool->count);
  assert(slab->head <= slab->tail && slab->tail <= TLS_SLAB_BYTES);
  assert((slab->base == NULL) == (slab->tail == 0));
}
#else
static void invariants(const struct tls_slab *slab) {
  (void)slab;
}
#endif

bool tls_slab_pool_init(struct tls_slab_pool *pool, uint32_t count) {
  assert(count > 0);
  *pool = (struct tls_slab_pool){.count = count};
  void *base = mmap(NULL, (size_t)count * TLS_SLAB_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return false;
  pool->free = calloc(count, sizeof *pool->free);
  pool->touched = calloc(count, sizeof *pool->touched);
  if (!pool->free || !pool->touched) {
    munmap(base, (size_t)count * TLS_SLAB_BYTES);
    free(pool->free);
    free(pool->touched);
    return false;
  }
  pool->base = base;
  for (uint32_t i = 0; i < count; i++)
    pool->free[i] = count - 1 - i;
  return true;
}

void tls_slab_pool_destroy(struct tls_slab_pool *pool) {
  assert(pool->taken == 0);
  munmap(pool->base, (size_t)pool->count * TLS_SLAB_BYTES);
  free(pool->free);
  free(pool->touched);
  *pool = (struct tls_slab_pool){0};
}

static uint8_t *take(struct tls_slab_pool *pool) {
  assert(pool->taken < pool->count);
  uint32_t index = pool->free[pool->count - 1 - pool->taken];
  pool->taken++;
  if (pool->taken > pool->peak) pool->peak = pool->taken;
  pool->touched[index] = true;
  return pool->base + (size_t)index * TLS_SLAB_BYTES;
}

static uint32_t index_of(const struct tls_slab_pool *pool, const uint8_t *base) {
  return (uint32_t)((size_t)(base - pool->base) / TLS_SLAB_BYTES);
}

static void give(struct tls_slab_pool *pool, const uint8_t *base) {
  assert(pool->taken > 0);
  pool->taken--;
  pool->free[pool->count - 1 - pool->taken] = index_of(pool, base);
}

/* The stack's top holds what was used last, so the slabs below the last peak are cold. */
void tls_slab_pool_trim(struct tls_slab_pool *pool) {
  uint32_t cold = pool->count - pool->peak;
  for (uint32_t i = 0; i < cold; i++) {
    uint32_t index = pool->free[i];
    if (!pool->touched[index]) continue;
    madvise(pool->base + (size_t)index * TLS_SLAB_BYTES, TLS_SLAB_BYTES, MADV_DONTNEED);
    pool->touched[index] = false;
  }
  pool->peak = pool->taken;
}

size_t tls_slab_append(struct tls_slab *slab, const void *bytes, size_t len) {
  if (len == 0) return 0;
  if (!slab->base) slab->base = take(slab->pool);
  size_t room = TLS_SLAB_BYTES - slab->tail;
  if (len > room) len = room;
  memcpy(slab->base + slab->tail, bytes, len);
  slab->tail += (uint32_t)len;
  invariants(slab);
  return len;
}

void tls_slab_consume(struct tls_slab *slab, size_t bytes) {
  assert(bytes <= tls_slab_unsent(slab));
  slab->head += (uint32_t)bytes;
  if (slab->head == slab->tail) tls_slab_clear(slab);
  invariants(slab);
}

void tls_slab_clear(struct tls_slab *slab) {
  if (slab->base) give(slab->pool, slab->base);
  slab->base = NULL;
  slab->head = slab->tail = 0;
}

/* Whether the slab that is held, or the next that would be, may take several records. */
static bool is_full_size(const struct tls_slab *slab) {
  const struct tls_slab_pool *pool = slab->pool;
  if (slab->base) return index_of(pool, slab->base) < TLS_SLABS_FULL;
  return pool->taken == pool->count || pool->free[pool->count - 1 - pool->taken] < TLS_SLABS_FULL;
}

size_t tls_slab_room(const struct tls_slab *slab) {
  size_t limit = is_full_size(slab) ? TLS_SLAB_BYTES - TLS_SLAB_RESERVE_BYTES
                                    : TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD_BYTES;
  return slab->tail < limit ? limit - slab->tail : 0;
}
