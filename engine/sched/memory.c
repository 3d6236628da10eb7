/*
 * sched/memory.c - see sched/memory.h.
 */
#include "engine/sched/memory.h"

#include "engine/sched/tree.h"
#include "engine/sched/update.h"

void sched_memory_init(struct sched_memory *pools, const struct memory *memory) {
  pool_init(&pools->shares, memory, sizeof(struct sched_siblings), SCHED_SHARES_PER_CHUNK,
            SCHED_SHARES_PER_WORKER_MAX);
  pool_init(&pools->placeholders, memory, sizeof(struct sched_placeholder),
            SCHED_PLACEHOLDERS_PER_CHUNK, SCHED_PLACEHOLDERS_PER_WORKER_MAX);
  pool_init(&pools->updates, memory, sizeof(struct sched_updates_block), SCHED_UPDATES_PER_CHUNK,
            SCHED_UPDATES_PER_WORKER_MAX);
}

void sched_memory_destroy(struct sched_memory *pools) {
  pool_destroy(&pools->shares);
  pool_destroy(&pools->placeholders);
  pool_destroy(&pools->updates);
}

void sched_memory_trim(struct sched_memory *pools) {
  pool_trim(&pools->shares);
  pool_trim(&pools->placeholders);
  pool_trim(&pools->updates);
}
