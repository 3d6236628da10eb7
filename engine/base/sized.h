/*
 * base/sized.h - memory for a library that does not say how much it gives back: struct memory behind the two
 * functions that zlib asks for. Each object remembers its size in front of itself.
 */
#ifndef WEIR_BASE_SIZED_H
#define WEIR_BASE_SIZED_H

#include "engine/base/memory.h"

/* `memory` is a struct memory. Room for `count` objects of `bytes`, or NULL when that was refused. */
void *sized_alloc(void *memory, unsigned count, unsigned bytes);

void sized_free(void *memory, void *object);

#endif
