/*
 * sched/memory.h - the memory of the schedulers of one worker: pools that they share, so that what all connections
 * together may take is bounded, too (sched/limits.h).
 * Owner: one a worker; a scheduler borrows it from sched_attach() on.
 */
#ifndef WEIR_SCHED_MEMORY_H
#define WEIR_SCHED_MEMORY_H

#include "engine/base/pool.h"

struct sched_memory {
  struct pool shares, placeholders, updates;
};

/* Borrows `memory` until sched_memory_destroy(); allocates nothing yet. */
void sched_memory_init(struct sched_memory *pools, const struct memory *memory);

/* Everything must have been given back (asserted). */
void sched_memory_destroy(struct sched_memory *pools);

/* Gives back memory that a flood took: see pool_trim(). */
void sched_memory_trim(struct sched_memory *pools);

#endif
