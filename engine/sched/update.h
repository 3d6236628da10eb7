/*
 * sched/update.h - priorities that arrived before their stream.
 * Spec: RFC 9218 section 7: the last PRIORITY_UPDATE of an idle stream is applied when it opens.
 *
 * A fixed block of SCHED_UPDATES_MAX entries, taken from a pool while there is anything to
 * remember, and searched from end to end: 1 KiB, a few dozen nanoseconds.
 */
#ifndef WEIR_SCHED_UPDATE_H
#define WEIR_SCHED_UPDATE_H

#include "engine/base/pool.h"
#include "engine/sched/limits.h"

#include <stdbool.h>

struct sched_updates_entry {
  uint32_t id;
  uint8_t urgency;
  bool incremental;
};

struct sched_updates_block {
  struct sched_updates_entry at[SCHED_UPDATES_MAX];
};

struct sched_updates {
  struct pool *pool; /* of blocks; NULL: nothing is remembered */
  struct sched_updates_block *block;
  uint32_t count;
};

/* Remembers the update, in place of an earlier one of the same stream. False when there is no
 * room. */
__attribute__((warn_unused_result)) bool sched_updates_put(struct sched_updates *updates,
                                                           struct sched_updates_entry update);

/* The stream `id` opens: sets *out to what was remembered for it; false when that is nothing.
 * Forgets it, and lower identifiers of the same side, which can no longer open (RFC 9113 section
 * 5.1.1). */
__attribute__((warn_unused_result)) bool
sched_updates_take(struct sched_updates *updates, uint32_t id, struct sched_updates_entry *out);

void sched_updates_free(struct sched_updates *updates);

#endif
