/*
 * tls/slab.c - chunks of slabs, in a list for each size.
 *
 * A chunk is in the list while it has free slabs, and slabs are taken from the first chunk only. So
 * the chunks behind it empty themselves, and a quiet worker touches few pages.
 */
#include "io/tls/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "io/tls/limits.h"

_Static_assert(TLS_SLAB_BYTES >=
                   8 * (TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD_BYTES) + TLS_SLAB_RESERVE_BYTES,
               "eight records and the reserve fit");
_Static_assert(TLS_SLAB_LEAN_BYTES >=
                   TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD_BYTES + TLS_SLAB_RESERVE_BYTES,
               "a record and the reserve fit");

/* A slab that is free and was used before. */
struct free_slab {
  struct free_slab *next;
};

struct tls_slab_chunk {
  struct list_node node; /* in the size's `open` */
  struct tls_slab_size *size;
  struct free_slab *free; /* the one that was given back last */
  uint8_t *base;          /* TLS_SLAB_CHUNK slabs */
  uint32_t used;          /* slabs from `base` on that were ever out; the others have no pages */
  uint32_t taken;         /* slabs that are out */
};

#ifdef WEIR_INVARIANTS
static void size_invariants(const struct tls_slab_size *size) {
  assert(size->taken <= size->peak);
  assert(size->peak <= size->made);
  assert(!list_is_empty(&size->open) || size->taken == size->made);
}

static void invariants(const struct tls_slab *slab) {
  size_invariants(&slab->pool->full);
  size_invariants(&slab->pool->lean);
  assert(slab->pool->full.taken <= TLS_SLABS_FULL);
  assert(slab->head <= slab->tail);
  assert((slab->base == NULL) == (slab->tail == 0));
  assert((slab->base == NULL) == (slab->chunk == NULL));
}
#else
static void invariants(const struct tls_slab *slab) {
  (void)slab;
}
#endif

static void size_init(struct tls_slab_size *size, uint32_t bytes) {
  *size = (struct tls_slab_size){.bytes = bytes};
  list_init(&size->open);
}

void tls_slab_pool_init(struct tls_slab_pool *pool) {
  size_init(&pool->full, TLS_SLAB_BYTES);
  size_init(&pool->lean, TLS_SLAB_LEAN_BYTES);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static struct tls_slab_chunk *chunk_make(struct tls_slab_size *size) {
  struct tls_slab_chunk *chunk = malloc(sizeof *chunk);
  if (!chunk) return NULL;
  void *base = mmap(NULL, (size_t)TLS_SLAB_CHUNK * size->bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    free(chunk);
    return NULL;
  }
  *chunk = (struct tls_slab_chunk){.size = size, .base = base};
  list_append(&size->open, &chunk->node);
  size->made += TLS_SLAB_CHUNK;
  return chunk;
}

/* Nothing of the chunk, which is in no list any more, is out. */
static void chunk_free(struct tls_slab_chunk *chunk) {
  assert(chunk->taken == 0);
  chunk->size->made -= TLS_SLAB_CHUNK;
  munmap(chunk->base, (size_t)TLS_SLAB_CHUNK * chunk->size->bytes);
  free(chunk);
}

static struct tls_slab_chunk *chunk_of(struct list_node *node) {
  return LIST_OWNER(node, struct tls_slab_chunk, node);
}

static void size_destroy(struct tls_slab_size *size) {
  assert(size->taken == 0);
  while (!list_is_empty(&size->open))
    chunk_free(chunk_of(list_take_first(&size->open)));
}

void tls_slab_pool_destroy(struct tls_slab_pool *pool) {
  size_destroy(&pool->full);
  size_destroy(&pool->lean);
}

/* Begins with the last chunk. Those that are in use come first from now on. */
static void size_trim(struct tls_slab_size *size) {
  for (unsigned i = 0; i < TLS_SLAB_TRIM_CHUNKS && !list_is_empty(&size->open) &&
                       size->made - size->peak >= TLS_SLAB_CHUNK;
       i++) {
    struct tls_slab_chunk *chunk = chunk_of(size->open.previous);
    list_remove(&chunk->node);
    if (chunk->taken == 0)
      chunk_free(chunk);
    else
      list_prepend(&size->open, &chunk->node);
  }
  size->peak = size->taken;
}

void tls_slab_pool_trim(struct tls_slab_pool *pool) {
  size_trim(&pool->full);
  size_trim(&pool->lean);
}

/* ---- slabs ----------------------------------------------------------------------------------- */

/* The size that a slab gets which is taken now. */
static struct tls_slab_size *next_size(struct tls_slab_pool *pool) {
  return pool->full.taken < TLS_SLABS_FULL ? &pool->full : &pool->lean;
}

static uint8_t *chunk_take(struct tls_slab_chunk *chunk) {
  struct free_slab *free = chunk->free;
  if (free)
    chunk->free = free->next;
  else
    free = (struct free_slab *)(chunk->base + (size_t)chunk->used++ * chunk->size->bytes);
  if (++chunk->taken == TLS_SLAB_CHUNK) list_remove(&chunk->node);
  return (uint8_t *)free;
}

static void take(struct tls_slab *slab) {
  struct tls_slab_size *size = next_size(slab->pool);
  slab->chunk = list_is_empty(&size->open) ? chunk_make(size) : chunk_of(size->open.next);
  if (!slab->chunk) return;
  slab->base = chunk_take(slab->chunk);
  size->taken++;
  if (size->taken > size->peak) size->peak = size->taken;
}

static void give(struct tls_slab_chunk *chunk, uint8_t *base) {
  struct free_slab *free = (struct free_slab *)base;
  assert(chunk->taken > 0);
  if (chunk->taken-- == TLS_SLAB_CHUNK) list_prepend(&chunk->size->open, &chunk->node);
  chunk->size->taken--;
  free->next = chunk->free;
  chunk->free = free;
}

size_t tls_slab_append(struct tls_slab *slab, const void *bytes, size_t len) {
  if (len == 0) return 0;
  if (!slab->base) take(slab);
  if (!slab->base) return 0;
  size_t room = slab->chunk->size->bytes - slab->tail;
  if (len > room) len = room;
  memcpy(slab->base + slab->tail, bytes, len);
  tls_slab_wrote(slab, len);
  return len;
}

uint8_t *tls_slab_reserve(struct tls_slab *slab, size_t len) {
  if (!slab->base) take(slab);
  if (!slab->base || slab->chunk->size->bytes - slab->tail < len) return NULL;
  return slab->base + slab->tail;
}

void tls_slab_wrote(struct tls_slab *slab, size_t len) {
  assert(len <= slab->chunk->size->bytes - slab->tail);
  slab->tail += (uint32_t)len;
  invariants(slab);
}

void tls_slab_settle(struct tls_slab *slab) {
  if (slab->tail == 0) tls_slab_clear(slab);
}

void tls_slab_consume(struct tls_slab *slab, size_t bytes) {
  assert(bytes <= tls_slab_unsent(slab));
  slab->head += (uint32_t)bytes;
  if (slab->head == slab->tail) tls_slab_clear(slab);
  invariants(slab);
}

void tls_slab_clear(struct tls_slab *slab) {
  if (slab->base) give(slab->chunk, slab->base);
  slab->chunk = NULL;
  slab->base = NULL;
  slab->head = slab->tail = 0;
}

size_t tls_slab_room(const struct tls_slab *slab) {
  const struct tls_slab_size *size = slab->base ? slab->chunk->size : next_size(slab->pool);
  uint32_t limit = size->bytes - TLS_SLAB_RESERVE_BYTES;
  return slab->tail < limit ? limit - slab->tail : 0;
}
