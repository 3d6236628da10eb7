/*
 * sched_share.c - fair queueing with classes and slots; see sched_share.h.
 *
 * The rule is that of worst-case fair weighted queueing: a member may send once its start time has
 * come, and the earliest finish wins. Start times are kept exactly in the nodes; only the order
 * inside a slot is not, so errors never add up.
 */
#include "sched_share.h"

#include "sched_node.h"

#include <assert.h>

/* Virtual time is bytes / weight in units of 2^-16 byte per sixteenth. 2^48 bytes (281 TB) through
 * one share of the smallest weight fit into 64 bits. */
enum { TIME_SHIFT = 16, QUANTUM_LOG2 = 14 };

/* How far back a member may look for its place in a slot. Members of one weight arrive in order and
 * need no look; with many different weights, eight keep most slots sorted. */
enum { SORT_STEPS = 8 };

_Static_assert(1 << QUANTUM_LOG2 == SCHED_QUANTUM_BYTES, "slots are cut to the quantum");
_Static_assert(1 << (SCHED_WEIGHT_CLASS_COUNT - 1) == SCHED_WEIGHT_16THS_MAX,
               "a class for each weight");

static unsigned class_of(const struct sched_node *node) {
  return 31u - (unsigned)__builtin_clz(node->weight_16ths);
}

/* A slot is half of the virtual time that one quantum takes at the smallest weight of the class. */
static unsigned slot_shift(unsigned class) {
  return TIME_SHIFT + QUANTUM_LOG2 - 1 - class;
}

static uint64_t virtual_time(size_t bytes, uint32_t weight_16ths) {
  return ((uint64_t)bytes << TIME_SHIFT) / weight_16ths;
}

/* When the member would finish if it sent a whole quantum from its start on. */
static uint64_t finish_of(const struct sched_node *node) {
  return node->start + virtual_time(SCHED_QUANTUM_BYTES, node->weight_16ths);
}

static struct sched_node **slot_at(struct sched_share *share, unsigned class, uint64_t number) {
  return &share->slot[class][number % SCHED_SLOT_COUNT];
}

/* The number of the last slot of the class that is not empty. */
static uint64_t back(struct sched_share *share, unsigned class) {
  uint64_t number = share->front[class] + SCHED_SLOT_COUNT - 1;
  while (number > share->front[class] && !*slot_at(share, class, number))
    number--;
  return number;
}

/* The slot for a start time. What lies beyond the last place goes into it and is moved on when its
 * turn seems to have come; what lies before the first place goes into the first. */
static uint64_t slot_number(struct sched_share *share, unsigned class, uint64_t start) {
  uint64_t number = start >> slot_shift(class);
  if (!(share->classes & 1u << class)) return share->front[class] = number;
  uint64_t front = share->front[class];
  if (number >= front + SCHED_SLOT_COUNT) return front + SCHED_SLOT_COUNT - 1;
  if (number >= front) return number;
  uint64_t last = back(share, class);
  if (number + SCHED_SLOT_COUNT <= last) number = last - SCHED_SLOT_COUNT + 1;
  return share->front[class] = number;
}

/* Puts the node into the ring `*slot`, sorted by finish as far as SORT_STEPS reach. */
static void insert_sorted(struct sched_node **slot, struct sched_node *node) {
  if (!*slot) {
    node->next = node->prev = *slot = node;
    return;
  }
  uint64_t finish = finish_of(node);
  struct sched_node *before = *slot; /* the node to stand in front of; the first: at the end */
  for (int i = 0; i < SORT_STEPS && finish < finish_of(before->prev); i++) {
    before = before->prev;
    if (before != *slot) continue;
    *slot = node;
    break;
  }
  node->next = before;
  node->prev = before->prev;
  node->prev->next = node;
  before->prev = node;
}

static void place(struct sched_share *share, struct sched_node *node) {
  unsigned class = class_of(node);
  uint64_t number = slot_number(share, class, node->start);
  node->weight_class = (uint8_t) class;
  node->slot = (uint8_t)(number % SCHED_SLOT_COUNT);
  share->classes |= (uint16_t)(1u << class);
  insert_sorted(slot_at(share, class, number), node);
}

static void unplace(struct sched_share *share, struct sched_node *node) {
  unsigned class = node->weight_class;
  struct sched_node **slot = &share->slot[class][node->slot];
  if (*slot == node) *slot = node->next == node ? NULL : node->next;
  node->prev->next = node->next;
  node->next->prev = node->prev;
  node->next = node->prev = NULL;
  for (unsigned i = 0; i < SCHED_SLOT_COUNT; i++) {
    if (*slot_at(share, class, share->front[class])) return;
    share->front[class]++;
  }
  share->classes &= (uint16_t) ~(1u << class);
}

void sched_share_init(struct sched_share *share) {
  *share = (struct sched_share){0};
}

void sched_share_add(struct sched_share *share, struct sched_node *node) {
  assert(node->weight_16ths >= 1 && node->weight_16ths <= SCHED_WEIGHT_16THS_MAX);
  if (node->start < share->clock) node->start = share->clock;
  share->active_count++;
  share->weight_sum_16ths += node->weight_16ths;
  place(share, node);
}

void sched_share_remove(struct sched_share *share, struct sched_node *node) {
  assert(share->active_count > 0);
  unplace(share, node);
  share->active_count--;
  share->weight_sum_16ths -= node->weight_16ths;
}

/* The first member of the class, after those that were put off have been moved on. */
static struct sched_node *class_head(struct sched_share *share, unsigned class) {
  for (;;) {
    uint64_t front = share->front[class];
    struct sched_node *node = *slot_at(share, class, front);
    if (node->start >> slot_shift(class) <= front) return node;
    unplace(share, node);
    place(share, node);
  }
}

struct sched_node *sched_share_pick(struct sched_share *share) {
  struct sched_node *chosen = NULL, *earliest = NULL;
  uint64_t chosen_finish = 0;
  /* Heavy classes first, so that they win ties. */
  for (unsigned left = share->classes; left;) {
    unsigned class = 31u - (unsigned)__builtin_clz(left);
    left &= ~(1u << class);
    struct sched_node *node = class_head(share, class);
    uint64_t finish = finish_of(node);
    if (node->start <= share->clock && (!chosen || finish < chosen_finish)) {
      chosen = node;
      chosen_finish = finish;
    }
    if (!earliest || node->start < earliest->start) earliest = node;
  }
  if (chosen || !earliest) return chosen;
  /* Everybody had more than its part while others were there; the clock catches up with them. */
  share->clock = earliest->start;
  return earliest;
}

void sched_share_charge(struct sched_share *share, struct sched_node *node, size_t bytes) {
  unplace(share, node);
  share->clock += virtual_time(bytes, share->weight_sum_16ths);
  node->start += virtual_time(bytes, node->weight_16ths);
  place(share, node);
}

void sched_share_owe(struct sched_node *node, size_t bytes) {
  node->start += virtual_time(bytes, node->weight_16ths);
}
