/*
 * http/field_copy.h - a copy of header fields and their strings, in one allocation.
 * Memory: the caller's; a copy is freed by field_copy_free().
 */
#ifndef WEIR_HTTP_FIELD_COPY_H
#define WEIR_HTTP_FIELD_COPY_H

#include "engine/base/memory.h"
#include "engine/http/headers.h"

struct field_copy {
  size_t size; /* of the allocation */
  size_t count;
  struct header at[];
};

/* NULL when memory was refused. */
__attribute__((warn_unused_result)) struct field_copy *
field_copy_make(const struct memory *memory, const struct header *fields, size_t count);

void field_copy_free(const struct memory *memory, struct field_copy *copy); /* NULL is allowed */

#endif
