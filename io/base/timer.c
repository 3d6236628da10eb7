/*
 * base/timer.c - the wheel.
 *
 * A timer lies at the level of the highest 6-bit digit in which its tick differs from the wheel's
 * own. So every timer of level n is due before any of level n + 1, the earliest slot is the first
 * occupied one of the lowest occupied level, and a timer moves down one or more levels each time
 * that the wheel reaches its slot, until it is due. The top level wraps around; TIMER_SPAN_TICKS
 * keeps a timer from lying a full round ahead.
 */
#include "io/base/timer.h"

#include <assert.h>
#include <stddef.h>

enum { TICK_SHIFT = 20, DIGIT_BITS = 6, TOP = TIMER_LEVELS - 1 };

#define TIMER_SPAN_TICKS (UINT64_C(63) << (DIGIT_BITS * TOP))
#define PLACE_LIST       UINT16_MAX /* on a list that is no slot of the wheel */

_Static_assert(TIMER_SLOTS == 1 << DIGIT_BITS, "a slot index is one digit of the tick");
_Static_assert(TIMER_LEVELS *TIMER_SLOTS < PLACE_LIST, "a place fits");

#ifdef WEIR_INVARIANTS
static void invariants(const struct timers *timers) {
  bool any = !list_is_empty(&timers->late) || !list_is_empty(&timers->due);
  for (unsigned level = 0; level < TIMER_LEVELS; level++)
    for (unsigned slot = 0; slot < TIMER_SLOTS; slot++) {
      bool occupied = timers->occupied[level] >> slot & 1;
      assert(occupied == !list_is_empty(&timers->slots[level * TIMER_SLOTS + slot]));
      any |= occupied;
    }
  assert(any == (timers->armed > 0));
}
#else
static void invariants(const struct timers *timers) {
  (void)timers;
}
#endif

/* Rounded up, so that no timer is early. */
static uint64_t tick_of_deadline(uint64_t deadline_ns) {
  return (deadline_ns >> TICK_SHIFT) + ((deadline_ns & ((1u << TICK_SHIFT) - 1)) != 0);
}

static unsigned slot_of(uint64_t tick, unsigned level) {
  return tick >> (DIGIT_BITS * level) & (TIMER_SLOTS - 1);
}

/* Puts a timer that is on no list where it belongs. */
static void place(struct timers *timers, struct timer *timer) {
  uint64_t tick = tick_of_deadline(timer->deadline_ns);
  if (tick <= timers->tick) {
    timer->place = PLACE_LIST;
    list_append(&timers->late, &timer->node);
    return;
  }
  if (tick - timers->tick > TIMER_SPAN_TICKS) tick = timers->tick + TIMER_SPAN_TICKS;
  unsigned highest_bit = 63 - (unsigned)__builtin_clzll(tick ^ timers->tick);
  unsigned level = highest_bit / DIGIT_BITS;
  if (level > TOP) level = TOP;
  unsigned slot = slot_of(tick, level);
  timer->place = (uint16_t)(level * TIMER_SLOTS + slot);
  timers->occupied[level] |= UINT64_C(1) << slot;
  list_append(&timers->slots[timer->place], &timer->node);
}

/* The earliest occupied slot: its place, and the tick at which it begins. False when none is. */
static bool earliest(const struct timers *timers, unsigned *place_out, uint64_t *start_tick) {
  unsigned level = 0;
  while (level < TIMER_LEVELS && !timers->occupied[level])
    level++;
  if (level == TIMER_LEVELS) return false;
  unsigned shift = DIGIT_BITS * level;
  uint64_t here = timers->tick >> shift; /* in slots of this level */
  unsigned turn = here & (TIMER_SLOTS - 1);
  uint64_t bits = timers->occupied[level];
  uint64_t rotated = turn ? bits >> turn | bits << (TIMER_SLOTS - turn) : bits;
  unsigned ahead = (unsigned)__builtin_ctzll(rotated);
  *place_out = level * TIMER_SLOTS + ((turn + ahead) & (TIMER_SLOTS - 1));
  *start_tick = (here + ahead) << shift;
  return true;
}

void timers_init(struct timers *timers, uint64_t now_ns) {
  *timers = (struct timers){.tick = now_ns >> TICK_SHIFT};
  for (unsigned i = 0; i < TIMER_LEVELS * TIMER_SLOTS; i++)
    list_init(&timers->slots[i]);
  list_init(&timers->due);
  list_init(&timers->late);
}

void timer_init(struct timer *timer, void (*fired)(struct timer *timer, uint64_t now_ns)) {
  *timer = (struct timer){.fired = fired};
}

static void take_out(struct timers *timers, struct timer *timer) {
  list_remove(&timer->node);
  timers->armed--;
  if (timer->place == PLACE_LIST || !list_is_empty(&timers->slots[timer->place])) return;
  timers->occupied[timer->place / TIMER_SLOTS] &= ~(UINT64_C(1) << timer->place % TIMER_SLOTS);
}

void timer_arm(struct timers *timers, struct timer *timer, uint64_t deadline_ns) {
  assert(timer->fired);
  if (timer_is_armed(timer)) {
    if (timer->deadline_ns == deadline_ns) return;
    take_out(timers, timer);
  }
  if (deadline_ns == TIMER_NEVER) return;
  timer->deadline_ns = deadline_ns;
  timers->armed++;
  place(timers, timer);
}

void timer_cancel(struct timers *timers, struct timer *timer) {
  if (timer_is_armed(timer)) take_out(timers, timer);
}

uint64_t timers_next_ns(const struct timers *timers) {
  unsigned place_index;
  uint64_t start_tick;
  if (!list_is_empty(&timers->late)) return 0;
  if (!earliest(timers, &place_index, &start_tick)) return TIMER_NEVER;
  return start_tick << TICK_SHIFT;
}

/* Empties the slot at which the wheel has arrived: what is due is collected, the rest moves down. */
static void empty_slot(struct timers *timers, unsigned place_index) {
  struct list_node slot;
  list_init(&slot);
  list_splice(&slot, &timers->slots[place_index]);
  timers->occupied[place_index / TIMER_SLOTS] &= ~(UINT64_C(1) << place_index % TIMER_SLOTS);
  while (!list_is_empty(&slot)) {
    struct timer *timer = LIST_OWNER(slot.next, struct timer, node);
    list_remove(&timer->node);
    place(timers, timer);
  }
}

uint32_t timers_run(struct timers *timers, uint64_t now_ns) {
  uint64_t now_tick = now_ns >> TICK_SHIFT, start_tick;
  unsigned place_index;
  invariants(timers);
  assert(list_is_empty(&timers->due));
  while (earliest(timers, &place_index, &start_tick) && start_tick <= now_tick) {
    timers->tick = start_tick;
    empty_slot(timers, place_index);
  }
  if (timers->tick < now_tick) timers->tick = now_tick;
  /* Calls may arm timers that are late already; those form the next run's list. */
  list_splice(&timers->due, &timers->late);
  uint32_t fired_count = 0;
  while (!list_is_empty(&timers->due)) {
    struct timer *timer = LIST_OWNER(timers->due.next, struct timer, node);
    take_out(timers, timer);
    timer->fired(timer, now_ns);
    fired_count++;
  }
  invariants(timers);
  return fired_count;
}
