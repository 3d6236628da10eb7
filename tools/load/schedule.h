/*
 * load/schedule.h - when the requests of an open loop are due, independent of earlier responses.
 *
 * The requests of a run are numbered; request n is due n / rate seconds after the start. Workers
 * take turns: worker w of W has the numbers w, w + W, w + 2 W ... So workers share no counter, and
 * all requests together are evenly spaced. A request that cannot start when it is due, because no
 * connection has room, starts later but is measured from when it was due. Otherwise a server that
 * stalls would have fewer samples instead of worse ones.
 */
#ifndef WEIR_LOAD_SCHEDULE_H
#define WEIR_LOAD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/load/limits.h"

struct load_schedule {
  uint64_t rate;         /* requests per second, all workers; 1 .. LOAD_RATE_MAX */
  uint64_t begin_ns;     /* on the clock of clock_now_ns() */
  uint64_t number;       /* of the next request */
  unsigned worker_count; /* distance to the same worker's next number */
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

/* How many requests of this worker are due at `now_ns` and not taken yet. */
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
