/*
 * base/sized.c - see base/sized.h.
 */
#include "engine/base/sized.h"

#include <stdalign.h>

struct sized {
  alignas(max_align_t) size_t bytes;
  alignas(max_align_t) uint8_t object[];
};

void *sized_alloc(void *memory, unsigned count, unsigned bytes) {
  size_t all = sizeof(struct sized) + (size_t)count * bytes;
  struct sized *sized = memory_alloc(memory, all);
  if (!sized) return NULL;
  sized->bytes = all;
  return sized->object;
}

void sized_free(void *memory, void *object) {
  struct sized *sized = (struct sized *)((uint8_t *)object - offsetof(struct sized, object));
  memory_free(memory, sized, sized->bytes);
}
