/*
 * base/pool.h - objects of one size, from the memory that the host lends (base/memory.h).
 *
 * A pool hands out objects from chunks that it takes from there. A chunk is taken when the pool runs dry,
 * up to `max` objects; after warm-up, take and give are a few instructions. A list beside the objects says
 * which are free: the next one to go out is known without waiting for its cache line. In a build with
 * AddressSanitizer a free object may not be touched. A full pool answers NULL and its caller refuses the
 * connection or stream.
 */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include "engine/base/memory.h"

struct pool {
  const struct memory *memory;
  void **free; /* objects that are not out; the last one goes out next */
  uint32_t free_count;
  uint32_t free_size;        /* room in `free`: at least `made` */
  struct pool_chunk *chunks; /* all memory taken so far, freed by pool_destroy() */
  size_t object_bytes;       /* rounded up to the alignment of max_align_t */
  uint32_t chunk_count;      /* objects per chunk */
  uint32_t max;              /* objects that may be out at once */
  uint32_t taken;            /* objects that are out now */
  uint32_t peak;             /* most that were out since pool_trim() */
  uint32_t made;             /* objects in all chunks */
};

/* Objects of this size that are taken from memory at once: about 64 KiB, so that the allocator keeps
 * the chunks apart from small objects and pages are used whole. */
uint32_t pool_chunk_count(size_t object_bytes);

/* Borrows `memory` for the pool's whole life. Allocates nothing yet. */
void pool_init(struct pool *pool, const struct memory *memory, size_t object_bytes,
               uint32_t chunk_count, uint32_t max);

/* Every object must have been given back (asserted). */
void pool_destroy(struct pool *pool);

/* An object of undefined content, or NULL when the pool is full or memory was refused. */
__attribute__((warn_unused_result)) void *pool_take(struct pool *pool);

void pool_give(struct pool *pool, void *object);

/* To be called about once a second. Gives chunks back of which nothing is out, while twice what was
 * out at most since the last call remains: what a flood needed does not stay. Looks at
 * POOL_TRIM_CHUNKS chunks, each of which costs a walk over what is free. */
void pool_trim(struct pool *pool);

#endif
