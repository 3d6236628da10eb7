/*
 * base/test_timer.c - the wheel against a model: a plain array that is searched.
 */
#include "io/base/timer.h"
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>

enum { TICK_NS = 1 << 20, COUNT = 300 };
#define SECOND UINT64_C(1000000000)

struct probe {
  struct timer timer;
  uint64_t due_ns; /* what the model expects; TIMER_NEVER when it is not armed */
  uint64_t fired_ns;
  unsigned fired_count;
  struct timers *rearm_on;
  uint64_t rearm_after_ns;
  struct probe *cancels;
};

static struct timers timers;

static void fired(struct timer *timer, uint64_t now_ns) {
  struct probe *probe = LIST_OWNER(timer, struct probe, timer);
  assert_false(timer_is_armed(timer));
  probe->fired_ns = now_ns;
  probe->fired_count++;
  if (probe->rearm_on) timer_arm(probe->rearm_on, timer, now_ns + probe->rearm_after_ns);
  if (probe->cancels) timer_cancel(&timers, &probe->cancels->timer);
}

/* Each distance once, from two starts: fires in the first run at or after it, and never before. */
static void test_every_distance(void **state) {
  static const uint64_t distances_ns[] = {
      0,
      1,
      TICK_NS - 1,
      TICK_NS,
      TICK_NS + 1,
      63 * TICK_NS,
      64 * TICK_NS,
      65 * TICK_NS,
      SECOND,
      4096ul * TICK_NS,
      60 * SECOND,
      3600 * SECOND,
      86400 * SECOND,
      12 * 86400 * SECOND,
      14 * 86400 * SECOND,
      400 * 86400 * SECOND,
  };
  static const uint64_t starts_ns[] = {0, 123456789, 1700000000 * SECOND + 7,
                                       ((UINT64_C(1) << 30) - 3) * TICK_NS};
  (void)state;
  for (size_t s = 0; s < sizeof starts_ns / sizeof starts_ns[0]; s++)
    for (size_t d = 0; d < sizeof distances_ns / sizeof distances_ns[0]; d++) {
      struct probe probe = {.fired_count = 0};
      uint64_t start_ns = starts_ns[s], due_ns = start_ns + distances_ns[d], now_ns = start_ns;
      timers_init(&timers, start_ns);
      timer_init(&probe.timer, fired);
      timer_arm(&timers, &probe.timer, due_ns);
      /* As a worker does: sleep until the wheel asks for it, run, and so on. */
      for (unsigned turns = 0; !probe.fired_count; turns++) {
        uint64_t next_ns = timers_next_ns(&timers);
        assert_true(next_ns != TIMER_NEVER && next_ns < due_ns + TICK_NS);
        if (next_ns > now_ns) now_ns = next_ns;
        timers_run(&timers, now_ns);
        assert_true(turns < 64);
      }
      assert_true(probe.fired_ns >= due_ns);
      assert_true(probe.fired_ns < due_ns + TICK_NS);
      assert_int_equal(probe.fired_count, 1);
      assert_int_equal(timers.armed, 0);
      assert_true(timers_next_ns(&timers) == TIMER_NEVER);
    }
}

/* Distances of all magnitudes, from a tick to weeks. */
static uint64_t random_distance_ns(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  unsigned shift = *seed >> 58; /* 0..63 */
  return (*seed >> 14) >> (shift < 50 ? shift : 50);
}

static uint64_t model_next_ns(const struct probe *probes) {
  uint64_t next_ns = TIMER_NEVER;
  for (int i = 0; i < COUNT; i++)
    if (probes[i].due_ns < next_ns) next_ns = probes[i].due_ns;
  return next_ns;
}

/* After a run, exactly the timers that are due in the model have fired. By rounding, the wheel
 * may delay one by less than a tick. */
static void compare(struct probe *probes, uint64_t now_ns, uint64_t seed) {
  for (int i = 0; i < COUNT; i++) {
    bool due = probes[i].due_ns <= now_ns, was_fired = probes[i].fired_count != 0;
    bool may_wait = due && probes[i].due_ns + TICK_NS > now_ns;
    if (was_fired && !due) fail_msg("early: timer %d, seed %lu", i, (unsigned long)seed);
    if (!was_fired && due && !may_wait)
      fail_msg("late: timer %d, seed %lu", i, (unsigned long)seed);
    if (was_fired) {
      assert_int_equal(probes[i].fired_count, 1);
      probes[i].due_ns = TIMER_NEVER;
      probes[i].fired_count = 0;
    }
    assert_int_equal(timer_is_armed(&probes[i].timer), probes[i].due_ns != TIMER_NEVER);
  }
}

static void test_against_model(void **state) {
  static struct probe probes[COUNT];
  (void)state;
  for (uint64_t first_seed = 1; first_seed <= 30; first_seed++) {
    uint64_t seed = first_seed, now_ns = random_distance_ns(&seed);
    timers_init(&timers, now_ns);
    for (int i = 0; i < COUNT; i++) {
      probes[i] = (struct probe){.due_ns = TIMER_NEVER};
      timer_init(&probes[i].timer, fired);
    }
    for (int step = 0; step < 2000; step++) {
      struct probe *probe = &probes[(seed >> 33) % COUNT];
      uint64_t distance_ns = random_distance_ns(&seed);
      switch (seed >> 60) {
      case 0:
        timer_cancel(&timers, &probe->timer);
        probe->due_ns = TIMER_NEVER;
        break;
      case 1:
      case 2: now_ns += distance_ns >> 4; break;
      case 3: /* exactly to the next deadline */
        if (model_next_ns(probes) != TIMER_NEVER && model_next_ns(probes) > now_ns)
          now_ns = model_next_ns(probes);
        break;
      default:
        probe->due_ns = now_ns + distance_ns;
        timer_arm(&timers, &probe->timer, probe->due_ns);
        break;
      }
      timers_run(&timers, now_ns);
      compare(probes, now_ns, first_seed);
      /* The wheel never asks to be woken later than the first deadline, and its tick. */
      uint64_t next_ns = model_next_ns(probes);
      if (next_ns != TIMER_NEVER) assert_true(timers_next_ns(&timers) < next_ns + TICK_NS);
    }
    for (int i = 0; i < COUNT; i++)
      timer_cancel(&timers, &probes[i].timer);
    assert_int_equal(timers.armed, 0);
    for (int i = 0; i < TIMER_LEVELS; i++)
      assert_int_equal(timers.occupied[i], 0);
  }
}

/* A timer armed for the past by its own callback waits for the next run: a run ends. */
static void test_rearmed_by_itself(void **state) {
  struct probe probe = {.rearm_on = &timers,
                        .rearm_after_ns = -SECOND}; /* at 0, which is long past */
  (void)state;
  timers_init(&timers, SECOND);
  timer_init(&probe.timer, fired);
  timer_arm(&timers, &probe.timer, 0);
  for (unsigned run = 1; run <= 5; run++) {
    assert_int_equal(timers_next_ns(&timers), 0);
    assert_int_equal(timers_run(&timers, SECOND), 1);
    assert_int_equal(probe.fired_count, run);
  }
  timer_cancel(&timers, &probe.timer);
  assert_int_equal(timers_run(&timers, 2 * SECOND), 0);
}

/* Of two that are due together, the first cancels the second, which must not fire. */
static void test_cancel_of_a_due_timer(void **state) {
  struct probe second = {.fired_count = 0}, first = {.cancels = &second};
  (void)state;
  timers_init(&timers, 0);
  timer_init(&first.timer, fired);
  timer_init(&second.timer, fired);
  timer_arm(&timers, &first.timer, SECOND);
  timer_arm(&timers, &second.timer, SECOND);
  assert_int_equal(timers_run(&timers, 2 * SECOND), 1);
  assert_int_equal(second.fired_count, 0);
  assert_int_equal(timers.armed, 0);
}

static void test_moved(void **state) {
  struct probe probe = {.fired_count = 0};
  (void)state;
  timers_init(&timers, 0);
  timer_init(&probe.timer, fired);
  timer_arm(&timers, &probe.timer, SECOND);
  timer_arm(&timers, &probe.timer, 3 * SECOND);
  assert_int_equal(timers_run(&timers, 2 * SECOND), 0);
  timer_arm(&timers, &probe.timer, TIMER_NEVER);
  assert_false(timer_is_armed(&probe.timer));
  timer_arm(&timers, &probe.timer, 5 * SECOND / 2);
  assert_int_equal(timers_run(&timers, 3 * SECOND), 1);
  timer_cancel(&timers, &probe.timer);
  timer_cancel(&timers, &probe.timer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_distance),
      cmocka_unit_test(test_against_model),
      cmocka_unit_test(test_rearmed_by_itself),
      cmocka_unit_test(test_cancel_of_a_due_timer),
      cmocka_unit_test(test_moved),
  };
  return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
