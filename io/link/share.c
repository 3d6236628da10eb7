/*
 * link/share.c - virtual time, and the calendar of the links that are ahead of it; see link/share.h.
 *
 * A day of the calendar is SHARE_DAY long. A link that would have to wait longer than the calendar
 * reaches is released on its last day; it is still ahead then, and is held again.
 */
#include "io/link/share.h"

#include <assert.h>

#ifdef WEIR_INVARIANTS
static void invariants(const struct shares *shares) {
  assert(shares->held_weight >= shares->held);
  assert((shares->held == 0) == (shares->held_weight == 0));
  assert(shares->heaviest >= shares->heaviest_now);
  assert(shares->heaviest >= shares->heaviest_before);
  assert(shares->heaviest == shares->heaviest_now || shares->heaviest == shares->heaviest_before);
}
#else
static void invariants(const struct shares *shares) {
  (void)shares;
}
#endif

void shares_init(struct shares *shares) {
  *shares = (struct shares){.period = 1}; /* 0 is a share that was never charged */
  for (unsigned day = 0; day < SHARE_DAYS; day++)
    list_init(&shares->days[day]);
}

void shares_count(struct shares *shares, struct share *share, unsigned weight) {
  assert(weight >= 1 && weight <= SHARE_SCALE);
  shares->weight += weight;
  shares->weight -= share->period_weight; /* it may have had another before */
  share->period_weight = (uint16_t)weight;
  if (weight > shares->heaviest_now) shares->heaviest_now = (uint16_t)weight;
  if (weight > shares->heaviest) shares->heaviest = (uint16_t)weight;
}

void shares_advance(struct shares *shares, struct share *share, unsigned weight, uint32_t cost) {
  uint64_t lag = (uint64_t)SHARE_LAG_BYTES * SHARE_SCALE / weight;
  if (shares->now > lag && share->due < shares->now - lag) share->due = shares->now - lag;
  share->due += (uint64_t)cost * SHARE_SCALE / weight;
}

/* A share that was not charged in this period yet, but is busy. */
static void enter_period(struct shares *shares, struct share *share) {
  share->period = shares->period;
  share->period_cost = SHARE_BUSY_BYTES;
  share->period_weight = 0;
}

void shares_hold(struct shares *shares, struct share *share, unsigned weight,
                 struct list_node *node) {
  assert(!share_is_held(share) && !list_is_linked(node));
  if (share->period != shares->period) {
    enter_period(shares, share);
    shares_count(shares, share, weight);
  }
  if (shares->held == 0) shares->today = shares->now / SHARE_DAY;
  uint64_t day = share->due / SHARE_DAY;
  if (day < shares->today) day = shares->today;
  if (day >= shares->today + SHARE_DAYS) day = shares->today + SHARE_DAYS - 1;
  list_append(&shares->days[day % SHARE_DAYS], node);
  share->held_weight = (uint16_t)weight;
  shares->held++;
  shares->held_weight += weight;
}

void shares_leave(struct shares *shares, struct share *share, struct list_node *node) {
  assert(share_is_held(share) && shares->held > 0);
  list_remove(node);
  shares->held--;
  shares->held_weight -= share->held_weight;
  /* Held since before this period began, it was counted in it from the beginning. */
  if (share->period != shares->period) {
    enter_period(shares, share);
    share->period_weight = share->held_weight;
  }
  share->held_weight = 0;
}

static void begin_period(struct shares *shares, uint64_t now_ns) {
  uint64_t least = shares->period_begin + SHARE_PERIOD_FLOOR;
  if (shares->now < least) shares->now = least;
  shares->period++;
  shares->period_begin = shares->now;
  shares->period_end_ns = now_ns + SHARE_PERIOD_NS;
  shares->weight_before = shares->weight;
  shares->heaviest_before = shares->heaviest_now;
  shares->weight = shares->held_weight;
  shares->heaviest_now = 0;
  shares->heaviest = shares->heaviest_before;
}

/* To the next moment at which a link is due. */
static void jump(struct shares *shares) {
  for (unsigned i = 0; i < SHARE_DAYS; i++, shares->today++)
    if (!list_is_empty(&shares->days[shares->today % SHARE_DAYS])) break;
  uint64_t evening = (shares->today + 1) * SHARE_DAY - 1;
  if (shares->now < evening) shares->now = evening;
}

static void release(struct shares *shares, struct list_node *released) {
  uint64_t day = shares->now / SHARE_DAY;
  for (unsigned i = 0; i < SHARE_DAYS && shares->today <= day; i++, shares->today++)
    list_splice(released, &shares->days[shares->today % SHARE_DAYS]);
  if (shares->today <= day) shares->today = day + 1;
}

void shares_turn(struct shares *shares, uint64_t now_ns, struct list_node *released) {
  invariants(shares);
  uint64_t weight = shares->weight > shares->weight_before ? shares->weight : shares->weight_before;
  if (shares->turn_cost)
    shares->now += shares->turn_cost * SHARE_SCALE / (weight ? weight : 1);
  else if (shares->held)
    jump(shares);
  shares->turn_cost = 0;
  if (now_ns >= shares->period_end_ns) begin_period(shares, now_ns);
  if (shares->held) release(shares, released);
}
