/*
 * sched/heads.c - two rings for each urgency; see sched/heads.h.
 */
#include "engine/sched/heads.h"

#include <assert.h>

/* The ring that the node stands in: its first member. */
static struct sched_node **ring_of(struct sched_heads *heads, const struct sched_node *node) {
  return &(node->in_rests ? heads->extensions : heads->starts)[node->head_level];
}

#ifdef WEIR_INVARIANTS
static void invariants(struct sched_heads *heads, const struct sched_urgency *urgency,
                       const struct sched_node *node) {
  for (unsigned level = 0; level < SCHED_LEVEL_COUNT; level++) {
    bool told = urgency->queues[level] >> SCHED_QUEUE_HEAD & 1;
    assert(told == (sched_heads_first(heads, level) != NULL));
  }
  assert(node->in_heads || !node->in_rests);
  if (!node->in_heads) return;
  const struct sched_node *first = *ring_of(heads, node);
  assert(sched_heads_left(node) > 0);
  assert(node->in_rests == (node->head_bytes == 0));
  assert(node->head_next->head_prev == node);
  assert(node->head_prev->head_next == node);
  assert(first && first->in_rests == node->in_rests);
  assert(first->head_level == node->head_level);
}
#else
static void invariants(struct sched_heads *heads, const struct sched_urgency *urgency,
                       const struct sched_node *node) {
  (void)heads, (void)urgency, (void)node;
}
#endif

/* At which level the node's next bytes are a head start; false when they are none, or when the node
 * is as urgent itself. In the tree it is the tree's own level: above it they would pass by
 * everything that is critical there. */
static bool level_of(const struct sched_node *node, unsigned *level) {
  bool in_tree = sched_node_in_tree(node);
  *level = in_tree ? SCHED_TREE_URGENCY : node->head_urgency;
  return sched_heads_left(node) > 0 && (in_tree || node->head_urgency < node->urgency);
}

void sched_heads_add(struct sched_heads *heads, struct sched_urgency *urgency,
                     struct sched_node *node) {
  unsigned level;
  if (!level_of(node, &level)) return;
  node->in_heads = true;
  node->in_rests = node->head_bytes == 0;
  node->head_level = (uint8_t)level;
  struct sched_node **ring = ring_of(heads, node), *first = *ring;
  node->head_next = first ? first : node;
  node->head_prev = first ? first->head_prev : node;
  node->head_next->head_prev = node;
  node->head_prev->head_next = node;
  if (!first) *ring = node;
  sched_urgency_on(urgency, level, SCHED_QUEUE_HEAD);
  invariants(heads, urgency, node);
}

void sched_heads_remove(struct sched_heads *heads, struct sched_urgency *urgency,
                        struct sched_node *node) {
  if (!node->in_heads) return;
  struct sched_node **ring = ring_of(heads, node);
  unsigned level = node->head_level;
  if (*ring == node) *ring = node->head_next == node ? NULL : node->head_next;
  node->head_prev->head_next = node->head_next;
  node->head_next->head_prev = node->head_prev;
  node->in_heads = node->in_rests = false;
  if (!sched_heads_first(heads, level)) sched_urgency_off(urgency, level, SCHED_QUEUE_HEAD);
  invariants(heads, urgency, node);
}

/* The node's place has changed: it leaves its ring, and joins the right one while it is ready. */
static void move(struct sched_heads *heads, struct sched_urgency *urgency,
                 struct sched_node *node) {
  sched_heads_remove(heads, urgency, node);
  if (node->queue != SCHED_QUEUE_NONE) sched_heads_add(heads, urgency, node);
}

void sched_heads_extend(struct sched_heads *heads, struct sched_urgency *urgency,
                        struct sched_node *node, uint32_t rest_bytes) {
  bool stays = node->in_heads && (!node->in_rests || rest_bytes > 0);
  node->head_rest_bytes = rest_bytes;
  if (!stays) move(heads, urgency, node);
}

/* Takes at most `bytes` off what is left; returns how many. */
static size_t take_off(uint32_t *left, size_t bytes) {
  size_t taken = bytes < *left ? bytes : *left;
  *left -= (uint32_t)taken;
  return taken;
}

void sched_heads_spend(struct sched_heads *heads, struct sched_urgency *urgency,
                       struct sched_node *node, size_t bytes) {
  if (sched_heads_left(node) == 0) return;
  bytes -= take_off(&node->head_bytes, bytes);
  take_off(&node->head_rest_bytes, bytes);
  bool at_extension = node->in_heads && node->head_bytes == 0 && !node->in_rests;
  if (at_extension || sched_heads_left(node) == 0) move(heads, urgency, node);
}
