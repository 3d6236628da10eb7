/*
 * sched/share.h - streams that share what their parent gets, in proportion to their weights.
 * Spec: RFC 7540 section 5.3.2 (siblings), RFC 9218 section 4.2 (incremental responses).
 *
 * Worst-case fair weighted queueing. The share has a clock: n bytes, whoever sends them, move it on
 * by n / (sum of all weights), so a member's part of all bytes is its weight times the clock. A
 * member has a start, which n bytes of its own move on by n / weight: what it has had, on the same
 * scale. It may send when its start is not ahead of the clock, and of those that may, the one goes
 * first that would finish a whole quantum first. Thus, while members send no more than a quantum at
 * a time, none ever has more than one quantum beyond its part, nor lacks more than one, whatever
 * the weights and the number of members are.
 *
 * That is a property of the order, as long as nobody leaves. But who leaves may have been ahead or
 * behind, and no order can make up for that: with N equal members let half of them send a quantum
 * each, then the other half leave, and again; soon those that remain are all ahead. Hence two
 * rules. When nobody may send, the clock jumps to the first start: what those who left have not had
 * is there for all. And the clock waits for the first finish: what they took is missing for all. So
 * the clock stands between the two at any time, and nobody is further than one quantum from weight
 * times clock.
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
  SCHED_WEIGHT_16THS_MAX = 256 * 16, /* RFC 7540 section 5.3.2: 256 is the largest weight */
};

struct sched_node;

struct sched_share {
  struct sched_node *first; /* the order of those that want to send; NULL: nobody */
  struct sched_node *next;  /* whose turn it is; NULL: not known yet */
  uint64_t clock;           /* virtual time */
  uint32_t clock_rest;      /* what division left over: this / weight_sum_16ths is added to clock */
  uint32_t weight_sum_16ths;
};

/* The node wants to send. It resumes where it was, but claims nothing for the time it was away. */
void sched_share_add(struct sched_share *share, struct sched_node *node);

void sched_share_remove(struct sched_share *share, struct sched_node *node);

/* `to`, which is not in the share, takes the place of `from`; they have one weight. */
void sched_share_replace(struct sched_share *share, struct sched_node *from, struct sched_node *to);

/* The member whose turn it is; NULL when there is none. */
struct sched_node *sched_share_pick(struct sched_share *share);

/* The member (which has been added) sent `bytes` bytes. */
void sched_share_charge(struct sched_share *share, struct sched_node *node, size_t bytes);

/* The same for a node that is no member any more: it resumes later. */
void sched_share_owe(struct sched_node *node, size_t bytes);

/* Whether anybody wants to send. */
static inline bool sched_share_busy(const struct sched_share *share) {
  return share->first != NULL;
}

#endif
