/*
 * sched_share.h - streams that share what their parent gets, in proportion to their weights.
 * Spec: RFC 7540 section 5.3.2 (siblings), RFC 9218 section 4.2 (incremental responses).
 *
 * Every member has a virtual time at which its next send may begin; sending n bytes moves it on by
 * n / weight. The share's own clock advances by n / (sum of all weights), so a member whose time is
 * ahead of the clock has had more than its part and waits. Among those that may send, the one that
 * would finish first goes first. So nobody is ever further than one quantum ahead of its part or
 * behind it where weights are powers of two, and less than two quanta where they are anything else,
 * however unequal they are.
 *
 * To need no search, members stand in classes whose weights differ by less than a factor of two,
 * and in each class in slots of half a quantum of virtual time. A decision looks at one slot of at
 * most SCHED_WEIGHT_CLASS_COUNT classes: its cost does not depend on how many members there are.
 *
 * Units: bytes; weights in sixteenths (1 .. 4096), because a dropped node's weight is split among
 * its dependants (RFC 7540 section 5.3.4) and integers would lose most of it.
 * Ownership: members are borrowed while they are in; nothing allocates and nothing fails.
 */
#ifndef WEIR_SCHED_SHARE_H
#define WEIR_SCHED_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  SCHED_WEIGHT_UNIT = 16,            /* a weight of 1 in sixteenths */
  SCHED_WEIGHT_16THS_MAX = 256 * 16, /* RFC 7540 section 5.3.2: 256 is the largest weight */
  SCHED_WEIGHT_CLASS_COUNT = 13,     /* 2^0 .. 2^12 sixteenths */
  SCHED_SLOT_COUNT = 4,              /* a quantum moves a member at most 2 slots beyond its own */
};

struct sched_node;

struct sched_share {
  /* Members that want to send: rings of nodes, NULL when empty. A slot's number modulo
   * SCHED_SLOT_COUNT is its place. */
  struct sched_node *slot[SCHED_WEIGHT_CLASS_COUNT][SCHED_SLOT_COUNT];
  uint64_t front[SCHED_WEIGHT_CLASS_COUNT]; /* number of the class's first slot that is not empty */
  uint16_t classes;                         /* bit set of classes that are not empty */
  uint64_t clock;                           /* virtual time; never goes back */
  uint32_t weight_sum_16ths;                /* over members that want to send */
  uint32_t active_count;                    /* members that want to send */

  /* What the tree keeps here (sched_tree.h): whose dependants these are, and all of them, active
   * or not. */
  struct sched_node *owner; /* NULL: the root, or no tree at all */
  struct sched_node *first;
  uint32_t count;
};

void sched_share_init(struct sched_share *share);

/* The node wants to send. It resumes where it was, but claims nothing for the time it was away. */
void sched_share_add(struct sched_share *share, struct sched_node *node);

void sched_share_remove(struct sched_share *share, struct sched_node *node);

/* The member whose turn it is; NULL when there is none. */
struct sched_node *sched_share_pick(struct sched_share *share);

/* The member (which has been added) sent `bytes` bytes. */
void sched_share_charge(struct sched_share *share, struct sched_node *node, size_t bytes);

/* The same for a node that has just been removed: it resumes later. */
void sched_share_owe(struct sched_node *node, size_t bytes);

#endif
