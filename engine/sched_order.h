/*
 * sched_order.h - ready streams one after another, in ascending order of their identifiers.
 * Spec: RFC 9218 section 10 (non-incremental responses of one urgency).
 *
 * A pairing heap through links inside the nodes: the first is known at once, adding is O(1),
 * removing O(log n) on average over any sequence of calls. No memory, no failure.
 */
#ifndef WEIR_SCHED_ORDER_H
#define WEIR_SCHED_ORDER_H

#include "sched_node.h"

/* `*first` is the order: its first node, or NULL. */
void sched_order_add(struct sched_node **first, struct sched_node *node);
void sched_order_remove(struct sched_node **first, struct sched_node *node);

#endif
