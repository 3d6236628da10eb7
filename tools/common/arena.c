/*
 * common/arena.c - see common/arena.h.
 */
#include "tools/common/arena.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/limits.h"

struct arena_chunk {
  struct arena_chunk *next;
  size_t size; /* of `room` */
  _Alignas(max_align_t) uint8_t room[];
};

static bool add_chunk(struct arena *arena, size_t bytes) {
  size_t size = bytes > ARENA_CHUNK_BYTES ? bytes : ARENA_CHUNK_BYTES;
  struct arena_chunk *chunk = calloc(1, sizeof *chunk + size);
  if (!chunk) return false;
  *chunk = (struct arena_chunk){.next = arena->chunks, .size = size};
  arena->chunks = chunk;
  arena->used = 0;
  return true;
}

void *arena_alloc(struct arena *arena, size_t bytes) {
  const size_t align = _Alignof(max_align_t);
  if (bytes > SIZE_MAX / 2) return NULL;
  bytes = (bytes + align - 1) / align * align;
  bool fits = arena->chunks && arena->chunks->size - arena->used >= bytes;
  if (!fits && !add_chunk(arena, bytes)) return NULL;
  void *object = arena->chunks->room + arena->used;
  arena->used += bytes;
  return object;
}

char *arena_text(struct arena *arena, struct span text) {
  char *copy = arena_alloc(arena, text.len + 1);
  if (copy && text.len > 0) memcpy(copy, text.base, text.len);
  return copy;
}

void arena_free(struct arena *arena) {
  while (arena->chunks) {
    struct arena_chunk *chunk = arena->chunks;
    arena->chunks = chunk->next;
    free(chunk);
  }
  arena->used = 0;
}
