/*
 * sched/share.h - streams that share what their parent gets, in proportion to their weights.
 * Spec: RFC 7540 section 5.3.2 (siblings), RFC 9218 section 4.2 (incremental responses).
 *
 * Worst-case fair weighted queueing. The share has a clock. A send of n bytes by any member moves
 * the clock on by n / (sum of all weights), so a member's fair part of all bytes is its weight
 * times the clock. A member has a start, which its own n bytes move on by n / weight: what it has
 * sent, on the same scale. It may send while its start is not ahead of the clock. Of the members
 * that may, the one goes first that would finish a whole quantum first. So while members send at
 * most a quantum at a time, each is within one quantum of its fair part, whatever the weights and
 * the number of members.
 *
 * That holds as long as no member leaves. One that leaves may have been ahead or behind, and no
 * order can make up for that: let half of N equal members send a quantum each, then let the other
 * half leave, and repeat; soon those that remain are all ahead. Hence two rules. When no member may
 * send, the clock jumps to the first start: what those that left did not take is shared by all. And
 * the clock waits for the first finish: what they took too much is missing for all. So the clock is
 * always between the two, and each member is within one quantum of its weight times the clock.
 *
 * Cost: a decision is known as soon as the last send has been charged; a charge takes three walks
 * through an order (sched/order.h).
 *
 * Units: bytes; weights in sixteenths (1 .. 4096), because a dropped node's weight is split among
 * its dependants (RFC 7540 section 5.3.4) and integers would lose most of it.
 * Ownership: members are borrowed while they are in; nothing allocates and nothing fails. A share
 * that is all zero is empty.
 */
#ifndef WEIR_SCHED_SHARE_H
#define WEIR_SCHED_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  SCHED_WEIGHT_UNIT = 16,            /* a weight of 1 in sixteenths */
  SCHED_WEIGHT_16THS_MAX = 256 * 16, /* fixed by RFC 7540 section 5.3.2: weights up to 256 */
};

struct sched_node;

struct sched_share {
  struct sched_node *first; /* the order of those that want to send; NULL: none does */
  struct sched_node *next;  /* whose turn it is; NULL: not known yet */
  uint64_t clock;           /* virtual time */
  uint32_t clock_rest;      /* what division left over: this / weight_sum_16ths is added to clock */
  uint32_t weight_sum_16ths;
};

/* The node wants to send. It resumes where it was, and claims nothing for the time it was away. */
void sched_share_add(struct sched_share *share, struct sched_node *node);

void sched_share_remove(struct sched_share *share, struct sched_node *node);

/* `to`, which is not in the share, takes the place of `from`; they have one weight and one
 * start (asserted). */
void sched_share_replace(struct sched_share *share, struct sched_node *from, struct sched_node *to);

/* A member sent its last bytes: sched_share_charge() and sched_share_remove() in one. */
void sched_share_leave(struct sched_share *share, struct sched_node *node, size_t bytes);

/* The member whose turn it is; NULL when there is none. */
struct sched_node *sched_share_pick(struct sched_share *share);

/* The member (which has been added) sent `bytes` bytes. */
void sched_share_charge(struct sched_share *share, struct sched_node *node, size_t bytes);

/* The same for a node that is no longer a member: it counts when the node comes back. */
void sched_share_owe(struct sched_node *node, size_t bytes);

/* Whether any member wants to send. */
static inline bool sched_share_busy(const struct sched_share *share) {
  return share->first != NULL;
}

#endif
