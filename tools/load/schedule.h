/*
 * load/schedule.h - when the requests of an open loop are due, independent of earlier responses.
 *
 * A shape says how many requests a second are wanted at each time. It is a list of segments, in
 * which the rate is constant or changes linearly. Each request has a place; it is due when the
 * integral of the rate over the time since the start reaches its place.
 *
 *     arrivals   the places of requests 0, 1, 2 ...
 *     constant   0, 1, 2, 3 ...
 *     burst=3    0, 0, 0, 3, 3, 3, 6 ...
 *     poisson    the sums of exponentially distributed gaps with a mean of 1
 *
 * Workers take turns: worker w of W has the requests w, w + W, w + 2 W ... Each computes the places
 * of all of them, so workers share nothing, and the requests of a run are the same for every number
 * of workers. A request that cannot start when it is due, because no connection has room, starts
 * later but is measured from when it was due. Otherwise a server that stalls would have fewer
 * samples instead of worse ones.
 *
 * Times are computed in doubles: within a day they are exact to a nanosecond.
 */
#ifndef WEIR_LOAD_SCHEDULE_H
#define WEIR_LOAD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/load/limits.h"

enum load_arrivals { LOAD_CONSTANT, LOAD_POISSON, LOAD_BURSTS };

struct load_segment {
  double begin_seconds; /* since the start */
  double seconds;       /* INFINITY: without end */
  double begin_rate, end_rate;
  double begin_place; /* the integral of the rate until it begins */
};

/* Read-only while workers use it. */
struct load_shape {
  struct load_segment segments[LOAD_SEGMENTS_MAX];
  unsigned count;
  double end_seconds, end_place; /* INFINITY: without end */
  enum load_arrivals arrivals;
  unsigned burst; /* of LOAD_BURSTS */
  uint64_t seed;  /* of LOAD_POISSON */
};

/* Appends a segment; there is room for it (asserted). Rates are per second. */
void load_shape_add(struct load_shape *shape, double seconds, double begin_rate, double end_rate);

/* The integral of the rate from the start to that time. */
double load_shape_place(const struct load_shape *shape, double seconds);

struct load_schedule {
  const struct load_shape *shape;
  uint64_t begin_ns;   /* on the clock of clock_now_ns() */
  unsigned step;       /* the number of workers */
  uint64_t number;     /* of the next request */
  double place;        /* of the next request */
  uint64_t due_ns;     /* UINT64_MAX: there are no more */
  unsigned segment;    /* of the next request */
  uint64_t randomness; /* state of the generator */
};

/* Keeps the shape. */
void load_schedule_begin(struct load_schedule *schedule, const struct load_shape *shape,
                         unsigned worker, unsigned worker_count, uint64_t begin_ns);

/* When the next request is due; never earlier than the one before. UINT64_MAX after the last. */
static inline uint64_t load_schedule_due_ns(const struct load_schedule *schedule) {
  return schedule->due_ns;
}

void load_schedule_next(struct load_schedule *schedule);

#endif
