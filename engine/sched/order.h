/*
 * sched/order.h - nodes in order: who finishes first, among those that may have started?
 *
 * Each member has a `start` and a `finish`, which do not change while it is in. Streams that go one
 * after another use an order too; both are then the stream's identifier.
 *
 * Cost: adding, removing and asking take at most one step for each bit of a key (128), and usually
 * about the logarithm of the number of different keys; asking takes one step where the first of all
 * to finish has started. Members with equal keys stand in a ring, count as one, and go in order of
 * arrival. No memory, no failure.
 */
#ifndef WEIR_SCHED_ORDER_H
#define WEIR_SCHED_ORDER_H

#include "engine/sched/node.h"

/* `*first` is the order: the member that finishes first, or NULL. */
void sched_order_add(struct sched_node **first, struct sched_node *node);
void sched_order_remove(struct sched_node **first, struct sched_node *node);

/* The member that finishes first among those that start at `limit` or before, or NULL. Of those
 * that finish at the same time, the one that starts last. */
struct sched_node *sched_order_started(struct sched_node *first, uint64_t limit);

/* The member that starts first. `first` is not NULL. */
struct sched_node *sched_order_earliest(struct sched_node *first);

#endif
