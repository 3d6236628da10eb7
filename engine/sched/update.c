/*
 * sched/update.c - a short unordered list of priorities; see sched/update.h.
 */
#include "engine/sched/update.h"

#include <assert.h>

#ifdef WEIR_INVARIANTS
/* There is a block while there is anything to remember, and no stream stands in it twice. */
static void invariants(const struct sched_updates *updates) {
  assert(updates->count <= SCHED_UPDATES_MAX);
  assert((updates->block == NULL) == (updates->count == 0));
  for (uint32_t i = 1; i < updates->count; i++)
    assert(updates->block->at[i].id != updates->block->at[0].id);
}
#else
static void invariants(const struct sched_updates *updates) {
  (void)updates;
}
#endif

bool sched_updates_put(struct sched_updates *updates, struct sched_updates_entry update) {
  if (!updates->block) {
    updates->block = updates->pool ? pool_take(updates->pool) : NULL;
    if (!updates->block) return false;
  }
  uint32_t i = 0;
  while (i < updates->count && updates->block->at[i].id != update.id)
    i++;
  if (i == SCHED_UPDATES_MAX) return false;
  updates->block->at[i] = update;
  if (i == updates->count) updates->count++;
  invariants(updates);
  return true;
}

bool sched_updates_take(struct sched_updates *updates, uint32_t id,
                        struct sched_updates_entry *out) {
  bool found = false;
  for (uint32_t i = 0; i < updates->count;) {
    struct sched_updates_entry *update = &updates->block->at[i];
    if (update->id > id || (update->id ^ id) & 1) {
      i++;
      continue;
    }
    if (update->id == id) {
      found = true;
      *out = *update;
    }
    *update = updates->block->at[--updates->count];
  }
  if (updates->count == 0) sched_updates_free(updates);
  invariants(updates);
  return found;
}

void sched_updates_free(struct sched_updates *updates) {
  if (updates->block) pool_give(updates->pool, updates->block);
  updates->block = NULL;
  updates->count = 0;
}
