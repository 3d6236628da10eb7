/*
 * sched/urgency.c - levels one before the other, queues of a level by turns; see sched/urgency.h.
 */
#include "engine/sched/urgency.h"

#include <assert.h>

#ifdef WEIR_INVARIANTS
static void invariants(const struct sched_urgency *urgency) {
  for (unsigned level = 0; level < SCHED_LEVEL_COUNT; level++)
    assert((urgency->levels >> level & 1) == (urgency->queues[level] != 0));
}
#else
static void invariants(const struct sched_urgency *urgency) {
  (void)urgency;
}
#endif

void sched_urgency_on(struct sched_urgency *urgency, unsigned level, enum sched_queue queue) {
  uint8_t bit = (uint8_t)(1u << queue);
  if (urgency->queues[level] & bit) return;
  urgency->queues[level] |= bit;
  urgency->levels |= (uint8_t)(1u << level);
  /* A queue that was away claims nothing for that time. */
  struct sched_level *entry = &urgency->level[level];
  if (entry->turn_bytes[queue] < entry->clock_bytes) entry->turn_bytes[queue] = entry->clock_bytes;
  invariants(urgency);
}

void sched_urgency_off(struct sched_urgency *urgency, unsigned level, enum sched_queue queue) {
  urgency->queues[level] &= (uint8_t) ~(1u << queue);
  if (!urgency->queues[level]) urgency->levels &= (uint8_t) ~(1u << level);
  invariants(urgency);
}

/* The queue of `queues` whose turn it is at that level. */
static enum sched_queue turn_of(const struct sched_level *entry, unsigned queues) {
  unsigned chosen = (unsigned)__builtin_ctz(queues);
  for (unsigned queue = chosen + 1; queue < SCHED_QUEUE_COUNT; queue++)
    if (queues & 1u << queue && entry->turn_bytes[queue] < entry->turn_bytes[chosen])
      chosen = queue;
  return (enum sched_queue)chosen;
}

enum sched_queue sched_urgency_pick(const struct sched_urgency *urgency, unsigned *level) {
  if (!urgency->levels) return SCHED_QUEUE_NONE;
  *level = (unsigned)__builtin_ctz(urgency->levels);
  return turn_of(&urgency->level[*level], urgency->queues[*level]);
}

enum sched_queue sched_urgency_pick_behind(const struct sched_urgency *urgency, unsigned *level) {
  for (unsigned at = 0; at < SCHED_LEVEL_COUNT; at++) {
    unsigned queues = urgency->queues[at] & ~(1u << SCHED_QUEUE_HEAD);
    if (!queues) continue;
    *level = at;
    return turn_of(&urgency->level[at], queues);
  }
  return SCHED_QUEUE_NONE;
}

void sched_urgency_charge(struct sched_urgency *urgency, unsigned level, enum sched_queue queue,
                          size_t bytes) {
  struct sched_level *entry = &urgency->level[level];
  entry->clock_bytes = entry->turn_bytes[queue];
  entry->turn_bytes[queue] += queue == SCHED_QUEUE_HEAD ? bytes << SCHED_HEAD_PRICE_LOG2 : bytes;
}
