/*
 * load/test_schedule.c - when the requests of an open loop are due: rates, ends, ramps, bursts and
 * the Poisson process, over simulated time.
 */
#include "tests/support/cmocka.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/load/due.h"
#include "tools/load/stages.h"
#include "tools/load/start.h"

static struct load_shape constant(double rate, double seconds) {
  struct load_shape shape = {.arrivals = LOAD_CONSTANT};
  load_shape_add(&shape, seconds, rate, rate);
  return shape;
}

/* The number of requests in the whole shape, as `workers` workers start them. */
static uint64_t count_of(const struct load_shape *shape, unsigned workers) {
  uint64_t count = 0;
  for (unsigned w = 0; w < workers; w++) {
    struct load_schedule schedule;
    load_schedule_begin(&schedule, shape, w, workers, 0);
    for (; load_schedule_due_ns(&schedule) != UINT64_MAX; load_schedule_next(&schedule))
      count++;
  }
  return count;
}

/* ---- constant rates -------------------------------------------------------------------------- */

/* Three workers together send the n-th request at n / rate, and each request once. */
static void test_turns(void **state) {
  enum { WORKERS = 3, EACH = 1000 };
  static const double rates[] = {0.1, 1, 3, 7, 1000, 999983, LOAD_RATE_MAX};
  (void)state;
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    struct load_schedule schedules[WORKERS];
    struct load_shape shape = constant(rates[i], (double)INFINITY);
    for (unsigned w = 0; w < WORKERS; w++)
      load_schedule_begin(&schedules[w], &shape, w, WORKERS, 5000);
    for (uint64_t n = 0; n < WORKERS * EACH; n++) {
      struct load_schedule *schedule = &schedules[n % WORKERS];
      uint64_t exact = 5000 + (uint64_t)((double)n * 1e9 / rates[i]);
      uint64_t due = load_schedule_due_ns(schedule);
      assert_in_range(due, exact - 1, exact + 1);
      load_schedule_next(schedule);
    }
  }
}

/* Request numbers beyond 2^32, and times a day later, stay exact. */
static void test_far(void **state) {
  (void)state;
  struct load_schedule schedule;
  struct load_shape shape = constant(1e6, (double)INFINITY);
  load_schedule_begin(&schedule, &shape, 0, 1, 0);
  schedule.number = UINT64_C(86400) * 1000000;
  load_schedule_next(&schedule);
  assert_true(load_schedule_due_ns(&schedule) == UINT64_C(86400) * 1000000000 + 1000);
}

/* A request that would be due at the end is not part of the run. */
static void test_counts(void **state) {
  static const struct {
    double rate, seconds;
    uint64_t count;
  } rows[] = {{1, 5, 5},          {1, 4.5, 5},       {0.5, 10, 5},      {10, 0.3, 3},
              {1 / 3.0, 9, 3},    {0.1, 50, 5},      {10 / 3.0, 3, 10}, {30 / 60.0, 60, 30},
              {1000, 2, 2000},    {50000, 1, 50000}, {7, 0.7, 5},       {1 / 86400.0, 86400, 1},
              {999983, 1, 999983}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (unsigned workers = 1; workers <= 3; workers++) {
      struct load_shape shape = constant(rows[i].rate, rows[i].seconds);
      uint64_t count = count_of(&shape, workers);
      if (count != rows[i].count)
        fail_msg("%g/s for %g s: %llu", rows[i].rate, rows[i].seconds, (unsigned long long)count);
    }
}

/* In every window of a thousand gaps, and of a second: the rate within 0.1%, and not by chance. */
static void test_kept_rates(void **state) {
  static const double rates[] = {1, 10, 1000, 50000};
  (void)state;
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    double window = fmax(1, 1000 / rates[i]);
    struct load_shape shape = constant(rates[i], 20 * window);
    struct load_schedule schedule;
    load_schedule_begin(&schedule, &shape, 0, 1, 0);
    for (unsigned w = 1; w <= 20; w++) {
      double count = 0;
      for (; load_schedule_due_ns(&schedule) < (uint64_t)(w * window * 1e9);
           load_schedule_next(&schedule))
        count++;
      assert_true(fabs(count / window - rates[i]) <= 0.001 * rates[i]);
    }
  }
}

/* ---- ramps ----------------------------------------------------------------------------------- */

/* Parses stages, separated by spaces. */
static struct load_shape staged(double begin_rate, double warm_up, const char *text) {
  static char words[256];
  struct load_options options = {.begin_rate = begin_rate, .warm_up_seconds = warm_up};
  struct load_shape shape;
  snprintf(words, sizeof words, "%s", text);
  for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
    assert_true(load_stage_parse(&options.stages[options.stage_count++], word));
  load_stages_shape(&options, &shape);
  return shape;
}

static const struct {
  double begin_rate, warm_up;
  const char *stages;
  double integral;
} ramps[] = {
    {0, 0, "30s:500", 7500},
    {0, 0, "10s:100 10s:100 10s:0", 2000},
    {100, 0, "10s:0", 500},
    {100, 5, "10s:100", 1500},
    {0, 0, "0:40 10s:40", 400},
    {10, 0, "5s:10 0:200 2s:200 0:0 3s:0 0:5 10s:5", 500},
    {0, 0, "1s:50k 1s:50k", 75000},
    {0, 0, "1m30s:0.5 100s:3/m", 50},
    {3, 2, "7s:11 13s:1.5 100ms:900", 181.325},
};

/* The number of requests is the integral of the rate, for any number of workers. */
static void test_ramp_totals(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof ramps / sizeof ramps[0]; i++) {
    struct load_shape shape = staged(ramps[i].begin_rate, ramps[i].warm_up, ramps[i].stages);
    if (fabs(shape.end_place - ramps[i].integral) > 1e-6 * ramps[i].integral)
      fail_msg("%s: %.9f", ramps[i].stages, shape.end_place);
    for (unsigned workers = 1; workers <= 3; workers++)
      assert_int_equal(count_of(&shape, workers), (uint64_t)ceil(ramps[i].integral - 1e-6));
  }
}

/* At any time, too. The reference adds up the rate in steps of a tenth of a millisecond. */
static void test_ramp_courses(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof ramps / sizeof ramps[0]; i++) {
    struct load_shape shape = staged(ramps[i].begin_rate, ramps[i].warm_up, ramps[i].stages);
    struct load_schedule schedule;
    double sum = 0, begun = 0;
    load_schedule_begin(&schedule, &shape, 0, 1, 0);
    for (unsigned k = 0; k < shape.count; k++) {
      const struct load_segment *at = &shape.segments[k];
      double step = 1e-4, steps = round(at->seconds / step);
      for (double n = 0; n < steps; n++) {
        sum += step * (at->begin_rate + (at->end_rate - at->begin_rate) * (n + 0.5) / steps);
        uint64_t now_ns = (uint64_t)((at->begin_seconds + (n + 1) * step) * 1e9);
        for (; load_schedule_due_ns(&schedule) <= now_ns; load_schedule_next(&schedule))
          begun++;
        if (!(begun >= sum - 1e-3 && begun <= sum + 1 + 1e-3))
          fail_msg("%s at %.4f s: %f begun, %f wanted", ramps[i].stages, (double)now_ns / 1e9,
                   begun, sum);
      }
    }
  }
}

/* ---- arrivals -------------------------------------------------------------------------------- */

/* Whatever the arrivals: one worker's requests are those of five together, in order. */
static void test_workers_agree(void **state) {
  enum { WORKERS = 5 };
  static const enum load_arrivals all[] = {LOAD_CONSTANT, LOAD_BURSTS, LOAD_POISSON};
  (void)state;
  for (unsigned i = 0; i < 3; i++) {
    struct load_shape shape = staged(20, 1, "5s:300 0:70 5s:70 5s:0 1s:900");
    shape.arrivals = all[i];
    shape.burst = 7;
    shape.seed = 11;
    struct load_schedule one, some[WORKERS];
    load_schedule_begin(&one, &shape, 0, 1, 77);
    for (unsigned w = 0; w < WORKERS; w++)
      load_schedule_begin(&some[w], &shape, w, WORKERS, 77);
    uint64_t due_ns = 77;
    for (unsigned n = 0; due_ns != UINT64_MAX; n++, load_schedule_next(&one)) {
      assert_true(load_schedule_due_ns(&one) >= due_ns);
      due_ns = load_schedule_due_ns(&one);
      assert_true(load_schedule_due_ns(&some[n % WORKERS]) == due_ns);
      load_schedule_next(&some[n % WORKERS]);
    }
  }
}

static void test_bursts(void **state) {
  (void)state;
  struct load_shape shape = constant(10, 3);
  shape.arrivals = LOAD_BURSTS;
  shape.burst = 5;
  struct load_schedule schedule;
  load_schedule_begin(&schedule, &shape, 0, 1, 0);
  for (unsigned n = 0; n < 30; n++, load_schedule_next(&schedule))
    assert_true(load_schedule_due_ns(&schedule) == n / 5 * UINT64_C(500000000));
  assert_true(load_schedule_due_ns(&schedule) == UINT64_MAX);
}

static uint64_t backlog(const struct load_schedule *schedule, uint64_t now_ns) {
  const struct load_due due = {.schedule = *schedule};
  return load_due_backlog(&due, now_ns);
}

/* Requests that are due and not taken are counted, too. */
static void test_backlog(void **state) {
  (void)state;
  struct load_shape shape = constant(700, (double)INFINITY);
  for (unsigned worker = 0; worker < 3; worker++) {
    struct load_schedule schedule;
    load_schedule_begin(&schedule, &shape, worker, 3, 1000000);
    for (uint64_t now = 1000000; now < 400000000; now += 1717171) {
      double begun = floor((double)(now - 1000000) * 700e-9) + 1; /* by all workers */
      assert_int_equal(backlog(&schedule, now), (uint64_t)ceil((begun - worker) / 3));
    }
    load_schedule_next(&schedule);
    assert_int_equal(backlog(&schedule, 1000000), 0);
    assert_int_equal(backlog(&schedule, 400000000), (uint64_t)ceil((280 - worker) / 3.0) - 1);
  }
}

/* ---- Poisson --------------------------------------------------------------------------------- */

enum { GAPS = 20000 };

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The Kolmogorov-Smirnov statistic of `gaps` against the exponential distribution with a mean of 1,
 * times the root of their number. Sorts them. */
static double distance(double gaps[GAPS]) {
  double most = 0;
  qsort(gaps, GAPS, sizeof gaps[0], compare);
  for (unsigned i = 0; i < GAPS; i++) {
    double wanted = 1 - exp(-gaps[i]);
    most = fmax(most, fmax(fabs((i + 1.0) / GAPS - wanted), fabs(wanted - (double)i / GAPS)));
  }
  return most * sqrt(GAPS);
}

/* The gaps between requests, in units of the mean: the rate is integrated over each. */
static void read_gaps(const struct load_shape *shape, double gaps[GAPS]) {
  struct load_schedule schedule;
  double before = 0;
  load_schedule_begin(&schedule, shape, 0, 1, 0);
  for (unsigned i = 0; i < GAPS; i++, load_schedule_next(&schedule)) {
    assert_true(load_schedule_due_ns(&schedule) != UINT64_MAX);
    double place = load_shape_place(shape, (double)load_schedule_due_ns(&schedule) * 1e-9);
    gaps[i] = place - before;
    before = place;
  }
}

/* Neighbouring gaps are independent: their correlation is 0, within four standard deviations. */
static double correlation(const double gaps[GAPS]) {
  double sum = 0;
  for (unsigned i = 0; i + 1 < GAPS; i++)
    sum += (gaps[i] - 1) * (gaps[i + 1] - 1);
  return sum / GAPS * sqrt(GAPS);
}

/* 1.95 is exceeded by one true sample in a thousand; these seeds are fixed. */
static void test_poisson(void **state) {
  static double gaps[GAPS];
  (void)state;
  for (uint64_t seed = 0; seed < 8; seed++) {
    struct load_shape shapes[] = {constant(1000, 60), staged(100, 0, "10s:5000 10s:0 0:3k 10s:3k")};
    for (unsigned i = 0; i < 2; i++) {
      shapes[i].arrivals = LOAD_POISSON;
      shapes[i].seed = seed;
      read_gaps(&shapes[i], gaps);
      assert_true(fabs(correlation(gaps)) < 4);
      double found = distance(gaps);
      if (found >= 1.95) fail_msg("seed %llu: %f", (unsigned long long)seed, found);
    }
  }
}

/* The test can fail: equal gaps, bursts, and a process that is a twentieth too fast. */
static void test_not_poisson(void **state) {
  static double gaps[GAPS];
  (void)state;
  struct load_shape shape = constant(1000, 60);
  read_gaps(&shape, gaps);
  assert_true(distance(gaps) > 1.95);
  shape.arrivals = LOAD_BURSTS;
  shape.burst = 10;
  read_gaps(&shape, gaps);
  assert_true(distance(gaps) > 1.95);
  shape.arrivals = LOAD_POISSON;
  read_gaps(&shape, gaps);
  for (unsigned i = 0; i < GAPS; i++)
    gaps[i] *= 0.95;
  assert_true(distance(gaps) > 1.95);
}

static void test_seeds(void **state) {
  (void)state;
  struct load_shape shape = constant(1000, 60), other = shape;
  struct load_schedule a, b;
  shape.arrivals = other.arrivals = LOAD_POISSON;
  other.seed = 1;
  load_schedule_begin(&a, &shape, 0, 1, 0);
  load_schedule_begin(&b, &other, 0, 1, 0);
  assert_true(load_schedule_due_ns(&a) != load_schedule_due_ns(&b));
}

/* ---- the start ------------------------------------------------------------------------------- */

static void test_start(void **state) {
  (void)state;
  struct load_start start = {.missing = 3};
  load_start_arrive(&start, 100);
  load_start_arrive(&start, 300);
  assert_int_equal(load_start_begin_ns(&start), 0);
  load_start_arrive(&start, 200);
  assert_int_equal(load_start_begin_ns(&start), 200 + LOAD_START_NS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_turns),         cmocka_unit_test(test_far),
      cmocka_unit_test(test_counts),        cmocka_unit_test(test_kept_rates),
      cmocka_unit_test(test_ramp_totals),   cmocka_unit_test(test_ramp_courses),
      cmocka_unit_test(test_workers_agree), cmocka_unit_test(test_bursts),
      cmocka_unit_test(test_backlog),       cmocka_unit_test(test_poisson),
      cmocka_unit_test(test_not_poisson),   cmocka_unit_test(test_seeds),
      cmocka_unit_test(test_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
