/*
 * sched/share.c - a clock, and members that are ahead of it or behind it; see sched/share.h.
 */
#include "engine/sched/share.h"

#include "engine/sched/limits.h"
#include "engine/sched/node.h"
#include "engine/sched/order.h"

#include <assert.h>

/* Virtual time is bytes / weight in units of 2^-16 byte per sixteenth. 2^48 bytes (281 TB) through
 * one share of the smallest weight fit into 64 bits. The remainder of each division is kept for the
 * next one, so that errors do not add up. */
enum { TIME_SHIFT = 16 };

_Static_assert(SCHED_QUANTUM_BYTES <= UINT32_MAX >> TIME_SHIFT, "a quantum's time has 32 bits");

#ifdef WEIR_INVARIANTS
/* The next member has started, and the clock waits for its finish. */
static void invariants(const struct sched_share *share) {
  assert((share->first == NULL) == (share->weight_sum_16ths == 0));
  assert(share->clock_rest == 0 || share->clock_rest < share->weight_sum_16ths);
  if (!share->next) return;
  assert(share->first);
  assert(share->next->start <= share->clock);
  assert(share->next->finish >= share->clock);
}
#else
static void invariants(const struct sched_share *share) {
  (void)share;
}
#endif

/* Leaves the remainder in `rest`. */
static uint64_t virtual_time(size_t bytes, uint32_t weight_16ths, uint32_t *rest) {
  uint64_t dividend = ((uint64_t)bytes << TIME_SHIFT) + *rest;
  *rest = (uint32_t)(dividend % weight_16ths);
  return dividend / weight_16ths;
}

/* Of a whole quantum. */
static uint32_t quantum_time(uint32_t weight_16ths) {
  return ((uint32_t)SCHED_QUANTUM_BYTES << TIME_SHIFT) / weight_16ths;
}

/* The remainder does not fit a new sum of weights. Less than a sixteenth of a byte of a member's
 * part is lost each time, and that does not add up: the clock stays between the members in any
 * case. */
static void set_weight_sum(struct sched_share *share, uint32_t weight_sum_16ths) {
  share->weight_sum_16ths = weight_sum_16ths;
  share->clock_rest = 0;
}

/* Finds the member that goes next among those that may send. The clock waits for its finish. */
static void find_next(struct sched_share *share) {
  share->next = sched_order_started(share->first, share->clock);
  if (share->next && share->next->finish < share->clock) share->clock = share->next->finish;
}

void sched_share_add(struct sched_share *share, struct sched_node *node) {
  assert(node->weight_16ths >= 1 && node->weight_16ths <= SCHED_WEIGHT_16THS_MAX);
  if (node->start < share->clock) node->start = share->clock;
  node->finish = node->start + quantum_time(node->weight_16ths);
  set_weight_sum(share, share->weight_sum_16ths + node->weight_16ths);
  sched_order_add(&share->first, node);
  if (share->next && node->start <= share->clock && node->finish < share->next->finish)
    share->next = node;
  invariants(share);
}

void sched_share_remove(struct sched_share *share, struct sched_node *node) {
  assert(share->weight_sum_16ths >= node->weight_16ths);
  sched_order_remove(&share->first, node);
  set_weight_sum(share, share->weight_sum_16ths - node->weight_16ths);
  if (share->next == node) share->next = NULL;
  invariants(share);
}

void sched_share_replace(struct sched_share *share, struct sched_node *from,
                         struct sched_node *to) {
  assert(to->weight_16ths == from->weight_16ths && to->start == from->start);
  sched_order_remove(&share->first, from);
  to->finish = from->finish;
  sched_order_add(&share->first, to);
  if (share->next == from) share->next = to;
  invariants(share);
}

struct sched_node *sched_share_pick(struct sched_share *share) {
  if (!share->next) find_next(share);
  if (!share->next && share->first) {
    share->next = sched_order_earliest(share->first);
    share->clock = share->next->start;
  }
  invariants(share);
  return share->next;
}

void sched_share_charge(struct sched_share *share, struct sched_node *node, size_t bytes) {
  sched_order_remove(&share->first, node);
  share->clock += virtual_time(bytes, share->weight_sum_16ths, &share->clock_rest);
  sched_share_owe(node, bytes);
  node->finish = node->start + quantum_time(node->weight_16ths);
  sched_order_add(&share->first, node);
  find_next(share);
  invariants(share);
}

void sched_share_leave(struct sched_share *share, struct sched_node *node, size_t bytes) {
  assert(share->weight_sum_16ths >= node->weight_16ths);
  sched_order_remove(&share->first, node);
  share->clock += virtual_time(bytes, share->weight_sum_16ths, &share->clock_rest);
  set_weight_sum(share, share->weight_sum_16ths - node->weight_16ths);
  sched_share_owe(node, bytes);
  find_next(share);
  invariants(share);
}

void sched_share_owe(struct sched_node *node, size_t bytes) {
  node->start += virtual_time(bytes, node->weight_16ths, &node->start_rest);
}
