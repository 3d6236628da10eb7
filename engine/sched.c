/*
 * sched.c - who sends next: deficit round robin over the ready streams, weighted in bytes.
 */
#include "sched.h"

#include <assert.h>

/* One round gives a stream of the default weight (16) one 16 KiB frame. */
enum { SHARE_BYTES_PER_WEIGHT = 1024, QUANTUM_BYTES = 16384, QUANTUM_ALONE_BYTES = 262144 };

static int64_t share_bytes(const struct sched_node *node) {
  return (int64_t)node->priority.weight * SHARE_BYTES_PER_WEIGHT;
}

void sched_init(struct sched *sched) {
  *sched = (struct sched){0};
}

void sched_open(struct sched *sched, struct sched_node *node, uint32_t id,
                struct sched_priority priority) {
  (void)sched;
  (void)id;
  *node = (struct sched_node){.priority = priority};
}

void sched_close(struct sched *sched, struct sched_node *node) {
  sched_idle(sched, node);
}

void sched_set_priority(struct sched *sched, struct sched_node *node,
                        struct sched_priority priority) {
  (void)sched;
  node->priority = priority;
}

void sched_ready(struct sched *sched, struct sched_node *node) {
  if (node->ready) return;
  node->ready = true;
  node->deficit_bytes = share_bytes(node);
  sched->ready_count++;
  if (!sched->ring) {
    node->next = node->prev = sched->ring = node;
    return;
  }
  /* Last in the round: just before the node whose turn it is. */
  node->next = sched->ring;
  node->prev = sched->ring->prev;
  node->prev->next = node;
  node->next->prev = node;
}

void sched_idle(struct sched *sched, struct sched_node *node) {
  if (!node->ready) return;
  node->ready = false;
  sched->ready_count--;
  if (sched->ring == node) sched->ring = node->next == node ? NULL : node->next;
  node->prev->next = node->next;
  node->next->prev = node->prev;
  node->next = node->prev = NULL;
}

struct sched_node *sched_next(struct sched *sched, size_t *quantum_bytes) {
  *quantum_bytes = sched->ready_count == 1 ? QUANTUM_ALONE_BYTES : QUANTUM_BYTES;
  return sched->ring;
}

void sched_sent(struct sched *sched, struct sched_node *node, size_t bytes) {
  node->deficit_bytes -= (int64_t)bytes;
  if (node->deficit_bytes > 0) return;
  /* The turn passes on; a debt is carried into the node's next round. A node that was alone may
   * owe more than one round's share, which is forgiven: nobody waited meanwhile. */
  int64_t share = share_bytes(node);
  node->deficit_bytes = sched->ready_count == 1 ? share : node->deficit_bytes + share;
  if (sched->ring == node) sched->ring = node->next;
}
