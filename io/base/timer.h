/*
 * base/timer.h - timers of one worker: a hierarchical wheel, O(1) to arm and to cancel.
 *
 * A timer is embedded in its owner and allocates nothing. The wheel has TIMER_LEVELS levels of 64
 * slots; a slot of level n spans 64^n ticks of 2^20 ns (about 1.05 ms), so a timer is late by one
 * tick at most and never early. Longer waits than the wheel spans (about 13 days) are cut into
 * several internally.
 *
 * Unit: nanoseconds of the worker's monotonic clock (worker.now_ns). Owner: one thread, no locks.
 *
 *     struct timer timer;
 *     timer_init(&timer, on_fire);
 *     timer_arm(&worker->timers, &timer, worker->now_ns + 5 * IO_SECOND);
 *     timer_cancel(&worker->timers, &timer);      // a no-op when it is not armed
 */
#ifndef WEIR_IO_TIMER_H
#define WEIR_IO_TIMER_H

#include "io/base/list.h"

#include <stdbool.h>
#include <stdint.h>

enum { TIMER_LEVELS = 5, TIMER_SLOTS = 64 }; /* derived from the digits: see timer.c */

#define TIMER_NEVER UINT64_MAX

struct timer {
  struct list_node node; /* linked: armed */
  /* Called once per arming, with the timer disarmed: it may be armed again, or its owner freed. */
  void (*fired)(struct timer *timer, uint64_t now_ns);
  uint64_t deadline_ns; /* meaningful while armed */
  uint16_t place;       /* level * TIMER_SLOTS + slot while armed */
};

struct timers {
  uint64_t tick;                   /* everything due before or at this tick has been taken out */
  uint64_t occupied[TIMER_LEVELS]; /* bit per slot that holds a timer */
  uint32_t armed;
  struct list_node slots[TIMER_LEVELS * TIMER_SLOTS];
  struct list_node late; /* due at the next run */
  struct list_node due;  /* being called by timers_run() */
};

void timers_init(struct timers *timers, uint64_t now_ns);

void timer_init(struct timer *timer, void (*fired)(struct timer *timer, uint64_t now_ns));

/* Arms, or moves a timer that is armed. A deadline in the past fires at the next timers_run(), or
 * at the one after it when it lies in the current tick; TIMER_NEVER cancels. */
void timer_arm(struct timers *timers, struct timer *timer, uint64_t deadline_ns);

void timer_cancel(struct timers *timers, struct timer *timer);

/* When timers_run() is next worth calling: never later than the first deadline plus one tick, and
 * possibly earlier. TIMER_NEVER when nothing is armed. */
uint64_t timers_next_ns(const struct timers *timers);

/* Calls every timer whose deadline has passed; returns how many. Timers armed by those calls wait
 * for the next run, so that a run ends. */
uint32_t timers_run(struct timers *timers, uint64_t now_ns);

static inline bool timer_is_armed(const struct timer *timer) {
  return list_is_linked(&timer->node);
}

#endif
