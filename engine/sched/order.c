/*
 * sched/order.c - a tournament in a tree of key bits; see sched/order.h.
 *
 * A member's key is its start, then its finish. Where the keys of some members have a 0 in the
 * highest bit in which they differ and the others a 1, the first to finish of either side play a
 * match. The loser stands for that split; `below` are the two sides, each without its winner. The
 * winner goes on to the split above, and the one that wins everywhere is `*first`, with the topmost
 * split in below[0]. So every member stands in one place, and a side of one member is empty.
 *
 * A subtree is always looked at together with its winner, who stands further up. Of a split's two
 * sides, the winner of the one into which the winner's key falls is the winner itself; of the other
 * it is the loser, which stands there.
 */
#include "engine/sched/order.h"

enum {
  START_BITS = 64, /* bits 64 .. 127 of a key are the start, 0 .. 63 the finish */
  KEY_BITS = 128,
  BIT_RINGED = 255, /* split_bit of a member for which another one with the same key stands */
};

/* Who wins a match. Of two that finish at the same time the heavier, which has less time left. */
static bool earlier(const struct sched_node *a, const struct sched_node *b) {
  if (a->finish != b->finish) return a->finish < b->finish;
  return a->start > b->start;
}

static unsigned side_of(const struct sched_node *node, unsigned bit) {
  uint64_t half = bit < START_BITS ? node->finish : node->start;
  return half >> bit % START_BITS & 1;
}

static bool same_key(const struct sched_node *a, const struct sched_node *b) {
  return a->start == b->start && a->finish == b->finish;
}

/* The highest bit in which two different keys differ. */
static unsigned differing_bit(const struct sched_node *a, const struct sched_node *b) {
  uint64_t starts = a->start ^ b->start;
  if (starts) return KEY_BITS - 1u - (unsigned)__builtin_clzll(starts);
  return START_BITS - 1u - (unsigned)__builtin_clzll(a->finish ^ b->finish);
}

/* The node, which stands nowhere, takes the place of the one at `at`, which then stands nowhere. */
static void take_place(struct sched_node **at, struct sched_node *node) {
  const struct sched_node *before = *at;
  struct sched_node *below[2] = {before->below[0], before->below[1]};
  uint8_t bit = before->split_bit;
  node->below[0] = below[0];
  node->below[1] = below[1];
  node->split_bit = bit;
  *at = node;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static void ring_add(struct sched_node *standing, struct sched_node *node) {
  node->split_bit = BIT_RINGED;
  node->next = standing;
  node->prev = standing->prev;
  node->prev->next = standing->prev = node;
}

/* A split at `bit` between the node and the subtree `*at` with its winner. */
static void split_add(struct sched_node **at, struct sched_node *winner, struct sched_node *node,
                      unsigned bit) {
  struct sched_node *loser = earlier(node, winner) ? winner : node;
  unsigned side = side_of(winner, bit);
  loser->split_bit = (uint8_t)bit;
  loser->below[side] = *at;
  loser->below[!side] = NULL;
  *at = loser;
}

/* Goes down to where the node's key branches off and plays the matches on the way as if it had been
 * there from the beginning. Whoever loses a place to it finds another one further down. */
static void descend(struct sched_node **at, struct sched_node *winner, struct sched_node *node) {
  while (!same_key(node, winner)) {
    struct sched_node *split = *at;
    unsigned bit = differing_bit(node, winner);
    if (!split || split->split_bit < bit) {
      split_add(at, winner, node, bit);
      return;
    }
    unsigned side = side_of(node, split->split_bit);
    bool apart = split->split_bit == bit; /* the node's side is not the winner's */
    if (apart && earlier(node, split)) take_place(at, earlier(node, winner) ? winner : node);
    winner = apart ? split : winner;
    at = &(*at)->below[side];
  }
  ring_add(winner, node);
}

void sched_order_add(struct sched_node **first, struct sched_node *node) {
  struct sched_node *winner = *first; /* without the node */
  node->next = node->prev = node;
  node->below[0] = node->below[1] = NULL;
  node->split_bit = 0;
  if (!winner) {
    *first = node;
    return;
  }
  if (earlier(node, winner)) take_place(first, node);
  descend(&(*first)->below[0], winner, node);
}

/* ---- removing -------------------------------------------------------------------------------- */

/* Where the node stands: on the way that its key leads. */
static struct sched_node **place_of(struct sched_node **first, const struct sched_node *node) {
  if (*first == node) return first;
  struct sched_node **at = &(*first)->below[0];
  while (*at != node)
    at = &(*at)->below[side_of(node, (*at)->split_bit)];
  return at;
}

/* Plays the matches of the subtree `*at` again, from the bottom up, without its winner. Returns the
 * new winner, which stands nowhere then; NULL when nobody is left. */
static struct sched_node *replay(struct sched_node **at, const struct sched_node *winner) {
  struct sched_node **splits[KEY_BITS];
  unsigned depth = 0;
  for (; *at; at = &(*at)->below[side_of(winner, (*at)->split_bit)])
    splits[depth++] = at;
  if (depth == 0) return NULL;
  at = splits[--depth];
  struct sched_node *next = *at;
  *at = next->below[!side_of(winner, next->split_bit)];
  while (depth > 0) {
    at = splits[--depth];
    struct sched_node *split = *at;
    bool lost = earlier(split, next);
    take_place(at, lost ? next : split);
    next = lost ? split : next;
  }
  return next;
}

void sched_order_remove(struct sched_node **first, struct sched_node *node) {
  bool ringed = node->split_bit == BIT_RINGED;
  struct sched_node **at = ringed ? NULL : place_of(first, node), *heir = node->next;
  if (heir != node) {
    heir->prev = node->prev;
    heir->prev->next = heir;
    if (!ringed) take_place(at, heir);
    return;
  }
  /* Below the split for which it stands, it has won everything on its own side. */
  unsigned side = at == first ? 0 : side_of(node, node->split_bit);
  heir = replay(&node->below[side], node);
  if (heir)
    take_place(at, heir);
  else
    *at = node->below[!side];
}

/* ---- asking ---------------------------------------------------------------------------------- */

struct sched_node *sched_order_started(struct sched_node *first, uint64_t limit) {
  struct sched_node *winner = first, *split = first ? first->below[0] : NULL, *found = NULL;
  if (!first) return NULL;
  while (winner->start > limit) {
    if (!split || split->split_bit < START_BITS) return found; /* all start with the winner */
    unsigned bit = split->split_bit % START_BITS;
    if ((winner->start ^ limit) >> bit > 1) return found; /* all start after the limit */
    if (limit >> bit & 1) {
      /* All on side 0 have started, and the winner is on side 1. */
      if (!found || earlier(split, found)) found = split;
      split = split->below[1];
    } else {
      if (side_of(winner, split->split_bit)) winner = split;
      split = split->below[0];
    }
  }
  return found && !earlier(winner, found) ? found : winner;
}

struct sched_node *sched_order_earliest(struct sched_node *first) {
  struct sched_node *winner = first;
  for (struct sched_node *split = first->below[0]; split;) {
    struct sched_node *below = split->below[0];
    if (side_of(winner, split->split_bit)) winner = split;
    split = below;
  }
  return winner;
}
