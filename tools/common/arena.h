/*
 * common/arena.h - memory that is given back all at once.
 *
 * Ownership: embedded; an arena of zeros is empty. Not for several threads at once.
 */
#ifndef WEIR_TOOLS_ARENA_H
#define WEIR_TOOLS_ARENA_H

#include "engine/base/machine.h"

struct arena {
  struct arena_chunk *chunks;
  size_t used; /* of the first chunk */
};

/* Zeroed, aligned for any object, valid until arena_free(). NULL when memory was refused. */
__attribute__((warn_unused_result)) void *arena_alloc(struct arena *arena, size_t bytes);

/* A copy with a NUL behind it. NULL when memory was refused. */
__attribute__((warn_unused_result)) char *arena_text(struct arena *arena, struct span text);

void arena_free(struct arena *arena);

#endif
