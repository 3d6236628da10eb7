/*
 * sched/heads.h - where the first bytes of favoured responses stand in line (sched/head_start.h).
 *
 * While a node has a head start it stands among the heads too, besides its own place. Each urgency
 * has two rings, both in order of becoming ready: nodes whose head start is not used up, and behind
 * all of them those that are at its extension. So every image's dimensions come before any image's
 * first scan. Whatever a node sends, from either place, uses its head start up.
 *
 * Ownership: members are borrowed while they are in. Everything is O(1); no memory, no failure.
 */
#ifndef WEIR_SCHED_HEADS_H
#define WEIR_SCHED_HEADS_H

#include "engine/sched/node.h"
#include "engine/sched/urgency.h"

struct sched_heads {
  struct sched_node *starts[SCHED_LEVEL_COUNT];     /* first of each ring; NULL: empty */
  struct sched_node *extensions[SCHED_LEVEL_COUNT]; /* the same */
};

/* A ready node: joins the ring of its urgency as the last one, if it has a head start that is more
 * urgent than itself. Tells `urgency` that the heads of that level have something to send. */
void sched_heads_add(struct sched_heads *heads, struct sched_urgency *urgency,
                     struct sched_node *node);

/* The node leaves its ring, if it is in one. */
void sched_heads_remove(struct sched_heads *heads, struct sched_urgency *urgency,
                        struct sched_node *node);

/* `rest_bytes` behind what is left of the node's head start are favoured, too. It moves to the
 * other ring, joins one or leaves where that changes what it is at. */
void sched_heads_extend(struct sched_heads *heads, struct sched_urgency *urgency,
                        struct sched_node *node, uint32_t rest_bytes);

/* The node sent `bytes` bytes. Once its head start is used up it moves behind the others for its
 * extension, and leaves when that is used up, too. */
void sched_heads_spend(struct sched_heads *heads, struct sched_urgency *urgency,
                       struct sched_node *node, size_t bytes);

/* The first of the heads of a level; NULL: there are none. */
static inline struct sched_node *sched_heads_first(const struct sched_heads *heads,
                                                   unsigned level) {
  return heads->starts[level] ? heads->starts[level] : heads->extensions[level];
}

/* Bytes that are left of what the node is at: its head start, else the extension. */
static inline uint32_t sched_heads_left(const struct sched_node *node) {
  return node->head_bytes ? node->head_bytes : node->head_rest_bytes;
}

#endif
