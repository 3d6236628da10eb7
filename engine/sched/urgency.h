/*
 * sched/urgency.h - which queue of which urgency goes next.
 * Spec: RFC 9218 sections 4.1 and 10.
 *
 * A more urgent level always goes before a less urgent one. Within a level there are up to four
 * queues (enum sched_queue): head starts, streams one after another, streams that share, and, at
 * one level, the dependency tree. Those that have something to send get equal numbers of bytes.
 * That is the mixing rule that section 10 leaves open: half of the bytes finish responses one by
 * one, half keep all the incremental ones moving, and neither kind can starve the other. Head
 * starts get only a sixteenth of what each of the others gets: they go before everything less
 * urgent (but see sched/sched.c on critical streams), and delay what is as urgent by 6% at most.
 *
 * Everything is O(1); no memory, no failure.
 */
#ifndef WEIR_SCHED_URGENCY_H
#define WEIR_SCHED_URGENCY_H

#include "engine/sched/node.h"

/* Where the tree stands among the urgencies: the default of RFC 9218 section 4.1. */
#define SCHED_TREE_URGENCY 3u

enum {
  SCHED_LEVEL_COUNT = 8,     /* urgencies 0 .. 7: fixed by RFC 9218 section 4.1 */
  SCHED_HEAD_PRICE_LOG2 = 4, /* a byte of a head start counts for 16 */
};

struct sched_level {
  uint64_t turn_bytes[SCHED_QUEUE_COUNT]; /* what each queue has sent; the least goes next */
  uint64_t clock_bytes;                   /* turn of the queue that sent last, before it sent */
};

struct sched_urgency {
  struct sched_level level[SCHED_LEVEL_COUNT];
  uint8_t queues[SCHED_LEVEL_COUNT]; /* bit set of queues that have something to send */
  uint8_t levels;                    /* bit set of levels that have such queues */
};

/* The queue has something to send, or no longer. Both are idempotent. */
void sched_urgency_on(struct sched_urgency *urgency, unsigned level, enum sched_queue queue);
void sched_urgency_off(struct sched_urgency *urgency, unsigned level, enum sched_queue queue);

/* The queue to serve and its level; SCHED_QUEUE_NONE when there is none. */
enum sched_queue sched_urgency_pick(const struct sched_urgency *urgency, unsigned *level);

/* The same as if there were no head starts. */
enum sched_queue sched_urgency_pick_behind(const struct sched_urgency *urgency, unsigned *level);

void sched_urgency_charge(struct sched_urgency *urgency, unsigned level, enum sched_queue queue,
                          size_t bytes);

#endif
