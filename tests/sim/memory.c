/*
 * memory.c - see memory.h.
 */
#include "tests/sim/memory.h"

#include "tests/sim/fail.h"

#include <stdlib.h>
#include <string.h>

static void *take(void *ctx, size_t bytes) {
  struct sim_memory *memory = ctx;
  memory->calls++;
  if (memory->refuse) {
    memory->refuse--;
    memory->refused++;
    return NULL;
  }
  void *object = malloc(bytes);
  sim_check(object, "out of memory");
  memset(object, 0xa5, bytes);
  memory->bytes += bytes;
  memory->count++;
  return object;
}

static void give(void *ctx, void *object, size_t bytes) {
  struct sim_memory *memory = ctx;
  memory->bytes -= bytes;
  memory->count--;
  free(object);
}

void sim_memory_init(struct sim_memory *memory) {
  *memory = (struct sim_memory){.memory = {.ctx = memory, .alloc = take, .free = give}};
}
