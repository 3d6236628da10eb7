/*
 * link/share.h - how a worker's time is divided among its links, by weight.
 *
 * Virtual time advances with the worker's work: by cost / (sum of the weights of all busy links). A
 * link that gets exactly its part is charged cost / weight at the same pace. A link that gets more
 * runs ahead of virtual time; once it is more than SHARE_SLACK_BYTES ahead, it is held until virtual
 * time has caught up.
 *
 *     charge --> ahead? -- no --> served
 *                  \-- yes --> held, in a calendar by virtual time --> released
 *
 * A link that waits for its turn among many falls behind, and may catch up by SHARE_LAG_BYTES.
 *
 * So the parts converge to the weights, whatever the links do: send, receive, in large or small
 * pieces. Exceptions:
 *   - The heaviest busy links are never held: they take turns. Where all weights are equal nothing is
 *     held, and a charge is two additions.
 *   - The first SHARE_BUSY_BYTES in SHARE_PERIOD_NS are free whatever the weight: a request now and
 *     then is answered at once.
 *   - The worker never idles while links are held: a turn without work releases those that are due
 *     next. So weights count only while the worker is busy.
 *   - Virtual time advances by at least SHARE_PERIOD_FLOOR in each SHARE_PERIOD_NS, so that no link
 *     starves, however light it is.
 *
 * Cost is the bytes that pass the socket, since copying, checking, encrypting and parsing all take
 * time by the byte, and SHARE_CALL_BYTES more for each piece. Measured time would not do: it also
 * passes while other processes have the processor.
 *
 * Every operation takes a fixed number of steps, except shares_turn(), which skips at most SHARE_DAYS
 * empty days. Nothing is allocated; nothing fails.
 */
#ifndef WEIR_IO_SHARE_H
#define WEIR_IO_SHARE_H

#include "io/base/list.h"
#include "io/link/limits.h"

#include <stdint.h>

/* Virtual time of one byte at weight 1; at weight 256 a byte takes 1. */
#define SHARE_SCALE 256u

/* One link's part. All zero at first. */
struct share {
  uint64_t due;           /* virtual time at which it will have had no more than its part */
  uint32_t period;        /* 0: never charged; else the one that `period_cost` belongs to */
  uint32_t period_cost;   /* charged in that period */
  uint16_t period_weight; /* with which it counts as busy; 0: it does not */
  uint16_t held_weight;   /* while it is held; else 0 */
};

/* All parts of one worker. */
struct shares {
  uint64_t now;       /* virtual time */
  uint64_t turn_cost; /* charged since shares_turn() */
  /* Busy links are those that were charged SHARE_BUSY_BYTES in this period or the last one. */
  uint32_t period;
  uint64_t period_end_ns;
  uint64_t period_begin; /* virtual time */
  uint64_t weight, weight_before;
  uint16_t heaviest, heaviest_now, heaviest_before; /* `heaviest`: the greater of the two */
  /* The calendar: a list a day, day n at days[n % SHARE_DAYS]. */
  uint64_t today; /* all days before it are empty */
  uint32_t held;  /* links in the calendar */
  uint64_t held_weight;
  struct list_node days[SHARE_DAYS];
};

void shares_init(struct shares *shares);

/* Parts of shares_charge(): begins to count a link as busy; moves on when it is due. */
void shares_count(struct shares *shares, struct share *share, unsigned weight);
void shares_advance(struct shares *shares, struct share *share, unsigned weight, uint32_t cost);

/* A link of `weight` (1 .. 256) has had work done that costs `bytes` in one piece. */
static inline void shares_charge(struct shares *shares, struct share *share, unsigned weight,
                                 uint64_t bytes) {
  uint32_t cost = (uint32_t)bytes + SHARE_CALL_BYTES;
  shares->turn_cost += cost;
  if (share->period != shares->period) {
    if (share->period == 0) share->due = shares->now;
    share->period = shares->period;
    share->period_cost = 0;
    share->period_weight = 0;
  }
  share->period_cost += cost;
  if (share->period_weight != weight && share->period_cost >= SHARE_BUSY_BYTES)
    shares_count(shares, share, weight);
  if (weight < shares->heaviest && share->period_weight)
    shares_advance(shares, share, weight, cost);
}

/* Whether it is so far ahead that it has to wait. */
static inline bool share_is_ahead(const struct shares *shares, const struct share *share,
                                  unsigned weight) {
  if (weight >= shares->heaviest || share->due <= shares->now) return false;
  if (share->period != shares->period || share->period_weight == 0) return false;
  return (share->due - shares->now) * weight > (uint64_t)SHARE_SLACK_BYTES * SHARE_SCALE;
}

/* How much of `bytes` a link should send at most in one piece, so that it is not ahead for long. */
static inline uint32_t shares_slice(const struct shares *shares, unsigned weight, uint32_t bytes) {
  if (weight >= shares->heaviest) return bytes;
  uint64_t slice = (uint64_t)bytes * weight / shares->heaviest;
  if (slice < SHARE_SLACK_BYTES) slice = SHARE_SLACK_BYTES;
  return slice < bytes ? (uint32_t)slice : bytes;
}

static inline bool share_is_held(const struct share *share) {
  return share->held_weight;
}

/* Puts a link that is ahead into the calendar, through `node`, which must be on no list. */
void shares_hold(struct shares *shares, struct share *share, unsigned weight,
                 struct list_node *node);

/* Takes a held link out. `node` may be in the calendar or on the list of the released. */
void shares_leave(struct shares *shares, struct share *share, struct list_node *node);

/* Once a turn, before anything is charged in it: virtual time advances by what the last turn did.
 * The nodes of links that are due are moved to `released`; the caller gives each to
 * shares_leave(). */
void shares_turn(struct shares *shares, uint64_t now_ns, struct list_node *released);

#endif
