/*
 * sched_order.c - a pairing heap by stream identifier; see sched_order.h.
 *
 * order_child is a node's first child, order_next its next sibling; order_prev is the sibling
 * before, or the parent of a first child, or NULL at the top.
 */
#include "sched_order.h"

/* Makes one heap of two tops, either of which may be NULL. */
static struct sched_node *meld(struct sched_node *a, struct sched_node *b) {
  if (!a) return b;
  if (!b) return a;
  if (b->id < a->id) {
    struct sched_node *swap = a;
    a = b;
    b = swap;
  }
  b->order_next = a->order_child;
  if (b->order_next) b->order_next->order_prev = b;
  b->order_prev = a;
  a->order_child = b;
  a->order_next = a->order_prev = NULL;
  return a;
}

/* Melds a list of siblings: in pairs from the left, then the pairs from the right. The second pass
 * follows order_prev, which the first pass strings between the pairs. */
static struct sched_node *meld_siblings(struct sched_node *list) {
  struct sched_node *pairs = NULL;
  while (list) {
    struct sched_node *a = list, *b = a->order_next;
    list = b ? b->order_next : NULL;
    a->order_next = a->order_prev = NULL;
    if (b) b->order_next = b->order_prev = NULL;
    a = meld(a, b);
    a->order_prev = pairs;
    pairs = a;
  }
  struct sched_node *top = NULL;
  while (pairs) {
    struct sched_node *pair = pairs;
    pairs = pair->order_prev;
    pair->order_prev = NULL;
    top = meld(top, pair);
  }
  return top;
}

void sched_order_add(struct sched_node **first, struct sched_node *node) {
  node->order_child = node->order_next = node->order_prev = NULL;
  *first = meld(*first, node);
}

void sched_order_remove(struct sched_node **first, struct sched_node *node) {
  struct sched_node *below = meld_siblings(node->order_child);
  if (*first == node) {
    *first = below;
  } else {
    struct sched_node *prev = node->order_prev;
    if (prev->order_child == node)
      prev->order_child = node->order_next;
    else
      prev->order_next = node->order_next;
    if (node->order_next) node->order_next->order_prev = prev;
    *first = meld(*first, below);
  }
  node->order_child = node->order_next = node->order_prev = NULL;
}
