/*
 * sched/node.h - one stream as the scheduler knows it.
 *
 * A node is embedded in its stream. It can be in several structures at once, each with links of
 * its own: an order (when it has something to send, or something below it has), the tree (whether
 * it has or not), and the heads.
 */
#ifndef WEIR_SCHED_NODE_H
#define WEIR_SCHED_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a ready node stands. With a head start it stands among the heads, too. */
enum sched_queue {
  SCHED_QUEUE_NONE,     /* not ready */
  SCHED_QUEUE_HEAD,     /* among the first bytes of favoured responses */
  SCHED_QUEUE_SEQUENCE, /* one after another, by id */
  SCHED_QUEUE_SHARED,   /* in the share of its urgency */
  SCHED_QUEUE_TREE,     /* in the dependency tree */
  SCHED_QUEUE_COUNT
};

/* The signal that a node's place comes from; of these, a later one beats an earlier one. */
enum sched_signal {
  SCHED_SIGNAL_NONE,       /* nothing said: the content class decides */
  SCHED_SIGNAL_DEPENDENCY, /* RFC 7540 section 5.3 */
  SCHED_SIGNAL_EXTENSIBLE, /* RFC 9218: priority field or PRIORITY_UPDATE */
};

struct sched_siblings; /* sched/tree.h */

struct sched_node {
  uint32_t id;           /* stream identifier */
  uint16_t weight_16ths; /* 1 .. SCHED_WEIGHT_16THS_MAX */
  uint8_t urgency;       /* 0 .. 7, without a head start */
  bool incremental;
  bool critical;  /* of a class that a page cannot be shown without */
  bool ready;     /* has bytes to send that no window blocks */
  bool active;    /* in the tree: is in its parent's share, because it or one below is ready */
  bool updated;   /* PRIORITY_UPDATE came before the stream: its field no longer counts */
  uint8_t queue;  /* enum sched_queue, never HEAD */
  uint8_t level;  /* the urgency of that queue */
  uint8_t signal; /* enum sched_signal */
  bool loose;     /* on the list sched.loose */
  bool in_heads;  /* stands among the heads of `head_level`, too */
  bool in_rests;  /* among those that are at the extension of their head start */
  uint8_t head_level;
  uint8_t head_urgency;     /* what the rule asked for */
  uint32_t head_bytes;      /* what is left of the head start */
  uint32_t head_rest_bytes; /* what is left of its extension, after these */

  /* in a share, or in the order by identifier */
  uint32_t start_rest; /* what division left over: this / weight_16ths is added to start */
  uint8_t split_bit;   /* see sched/order.c, as for `below` */
  uint64_t start;      /* virtual time at which the next send may begin; or the identifier */
  uint64_t finish;     /* start and the time of a quantum; or the identifier; only while in it */
  struct sched_node *below[2];
  struct sched_node *next, *prev;

  /* in the tree, or on the list of streams that are not in the tree but would belong there */
  struct sched_siblings *siblings;   /* the set it is a member of; NULL: not in the tree */
  struct sched_siblings *dependants; /* NULL: nothing depends on it */
  struct sched_node *sibling_next, *sibling_prev;

  struct sched_node *head_next, *head_prev; /* among the heads: a ring */
};

static inline bool sched_node_in_tree(const struct sched_node *node) {
  return node->siblings != NULL;
}

/* Puts the node on the list of siblings that begins at `*first`, or takes it off. */
static inline void sched_node_link(struct sched_node **first, struct sched_node *node) {
  node->sibling_prev = NULL;
  node->sibling_next = *first;
  if (*first) (*first)->sibling_prev = node;
  *first = node;
}

static inline void sched_node_unlink(struct sched_node **first, struct sched_node *node) {
  *(node->sibling_prev ? &node->sibling_prev->sibling_next : first) = node->sibling_next;
  if (node->sibling_next) node->sibling_next->sibling_prev = node->sibling_prev;
}

#endif
