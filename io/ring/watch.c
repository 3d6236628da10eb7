/*
 * ring/watch.c - see ring/watch.h. Watches never move: they are made in chunks.
 */
#include "io/ring/watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_WATCHES = 128 };

static bool grow(struct watches *watches, unsigned count) {
  struct watch **chunks = realloc(watches->chunks, count * sizeof(struct watch *));
  if (!chunks) return false;
  memset(chunks + watches->count, 0, (count - watches->count) * sizeof(struct watch *));
  watches->chunks = chunks;
  watches->count = count;
  return true;
}

struct watch *watches_find(const struct watches *watches, int fd) {
  assert(fd >= 0);
  unsigned chunk = (unsigned)fd / CHUNK_WATCHES;
  if (chunk >= watches->count || !watches->chunks[chunk]) return NULL;
  return &watches->chunks[chunk][fd % CHUNK_WATCHES];
}

struct watch *watches_at(struct watches *watches, int fd) {
  unsigned chunk = (unsigned)fd / CHUNK_WATCHES;
  if (chunk >= watches->count && !grow(watches, chunk + 1)) return NULL;
  if (!watches->chunks[chunk]) {
    struct watch *made = calloc(CHUNK_WATCHES, sizeof *made);
    if (!made) return NULL;
    for (unsigned i = 0; i < CHUNK_WATCHES; i++)
      made[i].fd = (int)(chunk * CHUNK_WATCHES + i);
    watches->chunks[chunk] = made;
  }
  return watches_find(watches, fd);
}

uint64_t watch_data(const struct watch *watch) {
  return (uint64_t)watch->generation << 32 | (uint32_t)watch->fd;
}

struct watch *watches_of_data(const struct watches *watches, uint64_t data) {
  struct watch *watch = watches_find(watches, (int)(uint32_t)data);
  return watch && watch->attached && watch->generation == data >> 32 ? watch : NULL;
}

void watch_end(struct watch *watch) {
  list_remove(&watch->in.node);
  list_remove(&watch->out.node);
  *watch = (struct watch){.fd = watch->fd, .generation = watch->generation + 1};
}

void watches_free(struct watches *watches) {
  for (unsigned i = 0; i < watches->count; i++)
    free(watches->chunks[i]);
  free(watches->chunks);
  *watches = (struct watches){.count = 0};
}
