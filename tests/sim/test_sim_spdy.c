/*
 * sim/test_sim_spdy.c - half a million steps of SPDY clients against servers, with faults.
 *
 * SIM_SEED=n replays one world, SIM_STEPS=n sets its length, SIM_VERBOSE=1 tells the whole story.
 */
#include "tests/sim/spdy_world.h"
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORLD_STEPS = 40000, WORLDS = 14 };

static uint64_t number_from(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 0) : otherwise;
}

static void print_totals(const struct sim_totals *t) {
  const struct sim_stats *p = &t->parties;
  printf("steps %" PRIu64 ", connections %" PRIu64 ", settled %" PRIu64 "\n", t->steps,
         t->connections, t->settled);
  printf("requests %" PRIu64 ", pushed %" PRIu64 ", completed %" PRIu64 ", failed %" PRIu64
         ", resets %" PRIu64 ", trailers %" PRIu64 ", too large %" PRIu64 "\n",
         p->requests, p->pushed, p->completed, p->failed, p->resets, p->trailers, p->too_large);
  printf("waits %" PRIu64 ", resumes %" PRIu64 ", timers %" PRIu64 ", lent %" PRIu64
         ", body errors %" PRIu64 ", caps %" PRIu64 ", bytes %" PRIu64 "\n",
         p->waits, p->late_resumes, p->timers, p->lent, p->body_errors, p->caps, p->bytes);
  printf("drains %" PRIu64 ", aborts %" PRIu64 ", late completions %" PRIu64 ", jumps %" PRIu64
         ", starved %" PRIu64 ", paused %" PRIu64 ", refusals %" PRIu64 ", timeouts %" PRIu64 "\n",
         t->drains, t->aborts, t->late_completions, t->time_jumps, t->starved, t->paused,
         t->refusals, t->timeouts);
}

/* A run proves nothing about an event that never happened in it. */
static void assert_all_happened(const struct sim_totals *t) {
  const struct sim_stats *p = &t->parties;
  const uint64_t happened[] = {
      p->pushed,   p->completed, p->resets,     p->trailers,        p->late_resumes,
      p->timers,   p->lent,      p->waits,      p->too_large,       p->body_errors,
      t->drains,   t->aborts,    t->time_jumps, t->starved,         t->paused,
      t->refusals, t->timeouts,  t->settled,    t->late_completions};
  for (size_t i = 0; i < sizeof happened / sizeof *happened; i++)
    assert_true(happened[i] > 0);
  assert_true(p->completed > t->steps / 200);
}

static void test_worlds(void **state) {
  (void)state;
  struct sim_totals totals = {.steps = 0};
  const uint64_t steps = number_from("SIM_STEPS", WORLD_STEPS);
  if (getenv("SIM_SEED")) {
    sim_spdy_world_run(number_from("SIM_SEED", 0), steps, &totals);
    print_totals(&totals);
    return;
  }
  const uint64_t worlds = number_from("SIM_WORLDS", WORLDS), first = number_from("SIM_FIRST", 1);
  for (uint64_t seed = first; seed < first + worlds; seed++)
    sim_spdy_world_run(seed, steps, &totals);
  print_totals(&totals);
  if (worlds == WORLDS) assert_all_happened(&totals);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_worlds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
