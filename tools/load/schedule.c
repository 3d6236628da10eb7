/*
 * load/schedule.c - see load/schedule.h.
 */
#include "tools/load/schedule.h"

#include <assert.h>
#include <math.h>

#include "tools/load/random.h"

/* ---- shapes ---------------------------------------------------------------------------------- */

static double integral(const struct load_segment *segment, double seconds) {
  if (segment->begin_rate == segment->end_rate) return segment->begin_rate * seconds;
  double slope = (segment->end_rate - segment->begin_rate) / segment->seconds;
  return segment->begin_rate * seconds + slope / 2 * seconds * seconds;
}

void load_shape_add(struct load_shape *shape, double seconds, double begin_rate, double end_rate) {
  assert(shape->count < LOAD_SEGMENTS_MAX);
  assert(seconds > 0);
  struct load_segment *segment = &shape->segments[shape->count++];
  *segment = (struct load_segment){.seconds = seconds,
                                   .begin_rate = begin_rate,
                                   .end_rate = end_rate,
                                   .begin_seconds = shape->end_seconds,
                                   .begin_place = shape->end_place};
  shape->end_seconds += seconds;
  shape->end_place += integral(segment, seconds);
}

double load_shape_place(const struct load_shape *shape, double seconds) {
  unsigned i = 0;
  while (i + 1 < shape->count && shape->segments[i + 1].begin_seconds <= seconds)
    i++;
  const struct load_segment *segment = &shape->segments[i];
  double within = fmin(seconds - segment->begin_seconds, segment->seconds);
  return segment->begin_place + integral(segment, within);
}

/* The inverse of integral(). The form of the solution that does not cancel: with a slope s,
 * wanted = r t + s t^2 / 2 gives t = 2 wanted / (r + sqrt(r^2 + 2 s wanted)). */
static double seconds_at(const struct load_segment *segment, double place) {
  double wanted = place - segment->begin_place, rate = segment->begin_rate;
  if (wanted <= 0) return segment->begin_seconds;
  if (rate == segment->end_rate) return segment->begin_seconds + wanted / rate;
  double slope = (segment->end_rate - rate) / segment->seconds;
  double root = sqrt(fmax(0, rate * rate + 2 * slope * wanted));
  return segment->begin_seconds + fmin(2 * wanted / (rate + root), segment->seconds);
}

/* ---- places ---------------------------------------------------------------------------------- */

/* A gap of the Poisson process. 53 random bits make a number in (0, 1]. */
static double random_gap(uint64_t *state) {
  return -log((double)((load_random_next(state) >> 11) + 1) * 0x1p-53);
}

static void advance(struct load_schedule *schedule, unsigned count) {
  const struct load_shape *shape = schedule->shape;
  schedule->number += count;
  switch (shape->arrivals) {
  case LOAD_CONSTANT: schedule->place = (double)schedule->number; break;
  case LOAD_BURSTS:
    schedule->place = (double)(schedule->number - schedule->number % shape->burst);
    break;
  case LOAD_POISSON:
    for (; count > 0; count--)
      schedule->place += random_gap(&schedule->randomness);
    break;
  }
}

/* The end is a little early, or else 10 requests a second for 0.3 s could be 4 for want of exact
 * fractions. */
static bool is_last(const struct load_shape *shape, double place) {
  return place >= shape->end_place * (1 - 1e-12);
}

static void find_due(struct load_schedule *schedule) {
  const struct load_shape *shape = schedule->shape;
  if (is_last(shape, schedule->place)) {
    schedule->due_ns = UINT64_MAX;
    return;
  }
  while (schedule->segment + 1 < shape->count &&
         schedule->place >= shape->segments[schedule->segment + 1].begin_place)
    schedule->segment++;
  double seconds = seconds_at(&shape->segments[schedule->segment], schedule->place);
  uint64_t due_ns = schedule->begin_ns + (uint64_t)(seconds * 1e9 + 0.5);
  if (due_ns > schedule->due_ns) schedule->due_ns = due_ns;
}

void load_schedule_begin(struct load_schedule *schedule, const struct load_shape *shape,
                         unsigned worker, unsigned worker_count, uint64_t begin_ns) {
  *schedule = (struct load_schedule){.shape = shape,
                                     .begin_ns = begin_ns,
                                     .due_ns = begin_ns,
                                     .step = worker_count,
                                     .randomness = shape->seed};
  advance(schedule, worker + (shape->arrivals == LOAD_POISSON));
  find_due(schedule);
}

void load_schedule_next(struct load_schedule *schedule) {
  advance(schedule, schedule->step);
  find_due(schedule);
}
