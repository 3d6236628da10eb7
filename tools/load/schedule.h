/*
 * load/schedule.h - an open loop: when each request is to start, whatever became of those before
 * it.
 *
 * All requests of a run are numbered; the n-th is due n / rate seconds after the beginning. Workers
 * take turns: worker w of W has the numbers w, w + W, w + 2 W ... So nobody shares a counter, and
 * the requests of all workers together are evenly spaced. A request that cannot start when it is
 * due (no connection takes another stream) starts later and is measured from when it was due:
 * otherwise a server that stalls would make itself fewer samples instead of worse ones.
 */
#ifndef WEIR_LOAD_SCHEDULE_H
#define WEIR_LOAD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/load/limits.h"

struct load_schedule {
  uint64_t rate;         /* requests a second, of all workers; 1 .. LOAD_RATE_MAX */
  uint64_t begin_ns;     /* on the clock of clock_now_ns() */
  uint64_t number;       /* of the next request */
  unsigned worker_count; /* to the next one of the same worker */
};

static inline void load_schedule_begin(struct load_schedule *schedule, uint64_t rate,
                                       unsigned worker, unsigned worker_count, uint64_t begin_ns) {
  *schedule = (struct load_schedule){
      .rate = rate, .begin_ns = begin_ns, .number = worker, .worker_count = worker_count};
}

/* When the next request is due. */
static inline uint64_t load_schedule_due_ns(const struct load_schedule *schedule) {
  uint64_t seconds = schedule->number / schedule->rate;
  uint64_t rest = schedule->number % schedule->rate;
  return schedule->begin_ns + seconds * SECOND_NS + rest * SECOND_NS / schedule->rate;
}

static inline void load_schedule_next(struct load_schedule *schedule) {
  schedule->number += schedule->worker_count;
}

/* How many of this worker's requests are due at `now_ns` and not yet taken. */
static inline uint64_t load_schedule_backlog(const struct load_schedule *schedule,
                                             uint64_t now_ns) {
  if (load_schedule_due_ns(schedule) > now_ns) return 0;
  uint64_t since_ns = now_ns - schedule->begin_ns;
  uint64_t begun =
      since_ns / SECOND_NS * schedule->rate + since_ns % SECOND_NS * schedule->rate / SECOND_NS + 1;
  return begun <= schedule->number
             ? 1
             : (begun - schedule->number + schedule->worker_count - 1) / schedule->worker_count;
}

#endif
