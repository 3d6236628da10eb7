/*
 * sched/order.c - a tournament in a tree of key bits; see sched/order.h.
 *
 * A member's key is its start, then its finish: 128 bits. Take a set of members with different
 * keys, and the highest bit in which any two of them differ. That bit splits the set into two
 * sides, 0 and 1, which are split further in the same way. The first to finish of either side play
 * a match. The winner goes on to the split above; the loser stands at this one. So every member
 * stands in one place, and the one that wins everywhere, above all splits, is `*first`.
 *
 *     member   start finish        start    finish
 *     A          0     8            000      1000
 *     B          0     4            000      0100
 *     C          4     6            100      0110
 *     D          5    12            101      1100
 *
 *     *first           B                 has won against A, and then against C
 *       below[0]       C                 lost to B, where bit 2 of the starts splits A B from C D
 *         below[0]     A                 lost to B, where bit 3 of the finishes splits B from A
 *         below[1]     D                 lost to C, where bit 0 of the starts splits C from D
 *
 * In the code, `*at` is a place in the tree and the split that stands there, and `winner` is the
 * one that has won all below it. The winner itself stands further up, so a subtree is always looked
 * at together with its winner. At a split, the key of the winner leads to the side that it has won
 * (below[side], of which it is the winner as well); of the other side the loser that stands here is
 * the winner (below[!side]). A side of one member is empty below. `*first` is no split: the whole
 * tree is in its below[0].
 *
 * Adding E walks down from the top along E's key and plays the matches on the way. Where E wins, it
 * takes the place of the loser, which is then taken further down in its stead.
 *
 * Removing B plays the matches again that B has won, from the bottom up. A meets C and loses: C is
 * `*first`, and A stands at the top split, with nothing on its own side and D on C's.
 *
 * Asking who finishes first of those with a start of at most 4 gives B at once. After B has left,
 * ask with a limit of 3. C starts later, and is on side 1 of the top split. The limit has a 0 at
 * that bit, so no member on side 1 has started; the winner of side 0 is A. Where the limit has a 1,
 * all of side 0 have started: their winner is a candidate, and the search goes on in side 1.
 */
#include "engine/sched/order.h"

#include <assert.h>

enum {
  START_BITS = 64, /* bits 64 .. 127 of a key are the start, 0 .. 63 the finish */
  KEY_BITS = 128,
  BIT_RINGED = 255, /* split_bit of a member for which another one with the same key stands */
};

/* Whether `a` wins a match. Of two that finish at the same time, the heavier wins, which has
 * less time left. */
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

#ifdef WEIR_INVARIANTS
/* Of the split at `bit` or below, in which `winner` won: it lost by the rules. */
static void check_split(const struct sched_node *split, const struct sched_node *winner,
                        unsigned bit) {
  assert(split->split_bit < bit);
  assert(split->split_bit == differing_bit(split, winner));
  assert(!earlier(split, winner));
}

/* Checks each split on the way that the node's key leads, and those on either side of it. */
static void invariants(struct sched_node *first, const struct sched_node *node) {
  const struct sched_node *winner = first, *split = first ? first->below[0] : NULL;
  unsigned bit = KEY_BITS;
  while (split) {
    check_split(split, winner, bit);
    bit = split->split_bit;
    unsigned lost = side_of(split, bit), way = side_of(node, bit);
    const struct sched_node *below = split->below[!way], *winner_of[2];
    winner_of[lost] = split;
    winner_of[!lost] = winner;
    if (below) check_split(below, winner_of[!way], bit);
    winner = winner_of[way];
    split = split->below[way];
  }
  for (; first && first->next != first; first = NULL) {
    assert(first->next->prev == first);
    assert(first->next->split_bit == BIT_RINGED);
    assert(same_key(first->next, first));
  }
}
#else
static void invariants(struct sched_node *first, const struct sched_node *node) {
  (void)first, (void)node;
}
#endif

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

/* Goes down to where the node's key branches off, and plays the matches on the way as if it had
 * been there from the beginning. A member that loses its place to it finds another one further
 * down. */
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
  if (winner && same_key(node, winner)) {
    ring_add(winner, node);
    return;
  }
  node->next = node->prev = node;
  node->below[0] = node->below[1] = NULL;
  node->split_bit = 0;
  if (!winner) {
    *first = node;
    return;
  }
  if (earlier(node, winner)) take_place(first, node);
  descend(&(*first)->below[0], winner, node);
  invariants(*first, node);
}

/* ---- removing -------------------------------------------------------------------------------- */

/* Where the node stands: somewhere on the way that its key leads. */
static struct sched_node **place_of(struct sched_node **first, const struct sched_node *node) {
  if (*first == node) return first;
  struct sched_node **at = &(*first)->below[0];
  while (*at != node)
    at = &(*at)->below[side_of(node, (*at)->split_bit)];
  return at;
}

/* Plays the matches of the subtree `*at` again, from the bottom up, without its winner. Returns the
 * new winner, which then stands nowhere; NULL when no member is left. */
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
    invariants(*first, node);
    return;
  }
  /* Below the split for which it stands, it has won everything on its own side. */
  unsigned side = at == first ? 0 : side_of(node, node->split_bit);
  heir = replay(&node->below[side], node);
  if (heir)
    take_place(at, heir);
  else
    *at = node->below[!side];
  invariants(*first, node);
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
