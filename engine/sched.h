/*
 * sched.h - who sends next. Knows weights, urgency and bytes, and nothing of frames.
 * Spec: RFC 9218 (extensible priorities), RFC 7540 section 5.3 (dependency tree).
 *
 * A node is embedded in its stream. While it is *ready* it has bytes to send that no window blocks.
 * Each decision and each change is O(1) and allocates nothing.
 */
#ifndef WEIR_SCHED_H
#define WEIR_SCHED_H

#include "machine.h"

/* The peer's wish for one stream, as either RFC puts it. */
struct sched_priority {
  uint8_t urgency;  /* RFC 9218 section 4.1: 0 (first) .. 7, default 3 */
  bool incremental; /* section 4.2: shares with its equals instead of going one after another */
  uint16_t weight;  /* RFC 7540 section 5.3.2: 1 .. 256, default 16 */
};

#define SCHED_PRIORITY_DEFAULT ((struct sched_priority){.urgency = 3, .weight = 16})

struct sched_node {
  struct sched_node *next, *prev; /* ring of ready nodes */
  struct sched_priority priority;
  int64_t deficit_bytes; /* what is left of this round's share */
  bool ready;
};

struct sched {
  struct sched_node *ring; /* the node whose turn it is */
  uint32_t ready_count;
};

void sched_init(struct sched *sched);

/* A stream begins to take part; not ready yet. `id` is its stream identifier. */
void sched_open(struct sched *sched, struct sched_node *node, uint32_t id,
                struct sched_priority priority);

/* The stream is gone. */
void sched_close(struct sched *sched, struct sched_node *node);

void sched_set_priority(struct sched *sched, struct sched_node *node,
                        struct sched_priority priority);

/* The node has bytes to send, or has none (or is blocked). Both are idempotent. */
void sched_ready(struct sched *sched, struct sched_node *node);
void sched_idle(struct sched *sched, struct sched_node *node);

/* The node to send next and the most bytes it should send before asking again; NULL when none is
 * ready. */
struct sched_node *sched_next(struct sched *sched, size_t *quantum_bytes);

/* `bytes` bytes of the node returned by sched_next() were sent. */
void sched_sent(struct sched *sched, struct sched_node *node, size_t bytes);

#endif
