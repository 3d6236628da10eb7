/*
 * base/memory.h - where memory comes from: the engine never calls malloc, its host lends it this. Tests
 * replace it by one that counts or refuses.
 */
#ifndef WEIR_MEMORY_H
#define WEIR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* alloc() returns `bytes` bytes aligned for any object, or NULL; free() gets the same size back. */
struct memory {
  void *ctx;
  void *(*alloc)(void *ctx, size_t bytes);
  void (*free)(void *ctx, void *object, size_t bytes);
};

__attribute__((warn_unused_result)) static inline void *memory_alloc(const struct memory *memory,
                                                                     size_t bytes) {
  return memory->alloc(memory->ctx, bytes);
}

static inline void memory_free(const struct memory *memory, void *object, size_t bytes) {
  if (object) memory->free(memory->ctx, object, bytes);
}

#ifdef __cplusplus
}
#endif

#endif
