/*
 * memory.h - allocations that a world lends to its engines: counted, and sometimes refused.
 */
#ifndef WEIR_SIM_MEMORY_H
#define WEIR_SIM_MEMORY_H

#include "engine/base/memory.h"

struct sim_memory {
  struct memory memory;
  uint64_t bytes, count, calls, refused;
  uint32_t refuse; /* the number of next calls to refuse */
};

void sim_memory_init(struct sim_memory *memory);

#endif
