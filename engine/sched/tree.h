/*
 * sched/tree.h - streams that depend on other streams.
 * Spec: RFC 7540 section 5.3.
 *
 * A stream that is ready sends before everything below it. While it is not, its part goes to its
 * dependants, who share it by weight (sched/share.h). Streams that depend on no other are the
 * dependants of the root. A decision walks down from the root, one pick a level.
 *
 * Placeholders stand for streams that are not open. Idle ones (named by PRIORITY, or as a parent)
 * stay, since clients group streams under them. Closed ones stay until their room is needed, oldest
 * first; their dependants then share their weight (section 5.3.4).
 *
 * Bounds (sched/limits.h): SCHED_PLACEHOLDERS_MAX placeholders, SCHED_SHARES_MAX sets of siblings.
 * The second bounds the depth. A dependency that would need one set more makes a sibling of its
 * intended parent. Without room for a placeholder, a dependency gets its default (the root, weight
 * 16), as section 5.3.4 allows. An exclusive insertion hands over the whole set of dependants at
 * once, however many they are.
 *
 * Cost: at most one walk to the root per operation, and a move of each dependant of a node that is
 * dropped: at most SCHED_DROP_DEPENDANTS_MAX, except when a stream closes and there is no room for
 * its placeholder.
 */
#ifndef WEIR_SCHED_TREE_H
#define WEIR_SCHED_TREE_H

#include "engine/base/pool.h"
#include "engine/sched/limits.h"
#include "engine/sched/node.h"
#include "engine/sched/share.h"

#define SCHED_WEIGHT_DEFAULT 16u /* RFC 7540 section 5.3.5 */

enum sched_result {
  SCHED_DONE,
  SCHED_NO_ROOM, /* a bound is reached: the signal was applied in part, or ignored */
  SCHED_CHURN,   /* too many signals for the number of streams: ignored */
  SCHED_SELF,    /* a stream that depends on itself: ignored; a stream error (section 5.3.1) */
};

/* As PRIORITY frames say it. */
struct sched_dependency {
  uint32_t parent_id; /* 0: depends on no stream */
  uint16_t weight;    /* 1 .. 256 */
  bool exclusive;
};

#define SCHED_DEPENDENCY_DEFAULT ((struct sched_dependency){.weight = SCHED_WEIGHT_DEFAULT})

/* The dependants of one node, or of the root. */
struct sched_siblings {
  struct sched_share share; /* of those that are active */
  struct sched_node *owner; /* whose dependants these are; NULL: the root's */
  struct sched_node *first; /* all of them, active or not */
  uint32_t count;
};

struct sched_placeholder {
  struct sched_node node;                  /* first */
  struct sched_placeholder *bucket_next;   /* by identifier */
  bool closed;                             /* its stream was open once; else idle */
  struct sched_placeholder *newer, *older; /* closed ones, by when they closed */
};

/* The node of an open stream, or NULL. */
typedef struct sched_node *sched_find(void *ctx, uint32_t id);

struct sched_tree {
  struct pool *shares, *placeholders; /* lent; NULL: no tree can be built */
  sched_find *find;
  void *find_ctx;
  struct sched_siblings *root; /* streams that depend on none; NULL: the tree is empty */
  uint32_t share_count;
  uint32_t placeholder_count;
  uint32_t id_max[2]; /* highest identifier that opened, even and odd */
  struct sched_placeholder *buckets[SCHED_BUCKET_COUNT];
  struct sched_placeholder *oldest, *newest; /* closed */
};

/* Gives all memory back. No open stream may be in the tree any more (asserted). */
void sched_tree_free(struct sched_tree *tree);

/* A stream opens: it takes the place that was kept for it, or becomes a dependant of the root with
 * the weight that it has. When not even the root has room, the stream is not in the tree. */
void sched_tree_open(struct sched_tree *tree, struct sched_node *node);

/* The stream, which is not ready, leaves; a placeholder keeps its place if there is room. */
void sched_tree_close(struct sched_tree *tree, struct sched_node *node);

/* PRIORITY for any stream but an open one that is not in the tree. */
__attribute__((warn_unused_result)) enum sched_result
sched_tree_depend(struct sched_tree *tree, uint32_t id, const struct sched_dependency *dependency);

/* node->queue has changed to or from SCHED_QUEUE_TREE. */
void sched_tree_settle(struct sched_node *node);

/* The stream that sends next; the tree is active. */
struct sched_node *sched_tree_pick(struct sched_tree *tree);

/* The node, which is in the tree, sent `bytes` bytes. */
void sched_tree_charge(struct sched_node *node, size_t bytes);

static inline bool sched_tree_active(const struct sched_tree *tree) {
  return tree->root && sched_share_busy(&tree->root->share);
}

/* Whether the stream has not been open yet and may still be. */
static inline bool sched_tree_idle(const struct sched_tree *tree, uint32_t id) {
  return id > tree->id_max[id & 1];
}

#endif
