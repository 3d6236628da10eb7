/*
 * sim/test_sim.c - a million steps of client engines against server engines, with faults.
 *
 * SIM_SEED=n replays one world, SIM_STEPS=n sets its length, SIM_VERBOSE=1 tells the whole story.
 */
#include "tests/sim/world.h"
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A world is short enough to read when it fails, and long enough for connections to grow old.
 * All of them together take a million steps, about a second. */
enum { WORLD_STEPS = 40000, WORLDS = 25 };

static uint64_t number_from(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 0) : otherwise;
}

static void print_totals(const struct sim_totals *t) {
  const struct sim_stats *p = &t->parties;
  printf("steps %" PRIu64 ", connections %" PRIu64 ", settled %" PRIu64 ", bytes %" PRIu64 "\n",
         t->steps, t->connections, t->settled, t->moved_bytes);
  printf("requests %" PRIu64 ", completed %" PRIu64 ", failed %" PRIu64 ", resets %" PRIu64 "\n",
         p->requests, p->completed, p->failed, p->resets);
  printf("pushed %" PRIu64 ", refused %" PRIu64 ", informs %" PRIu64 ", trailers %" PRIu64
         ", tunnels %" PRIu64 ", too large %" PRIu64 "\n",
         p->pushed, p->pushes_refused, p->informs, p->trailers, p->tunnels, p->too_large);
  printf("waits %" PRIu64 ", resumes %" PRIu64 ", timers %" PRIu64 ", lent %" PRIu64
         ", body errors %" PRIu64 ", caps %" PRIu64 "\n",
         p->waits, p->late_resumes, p->timers, p->lent, p->body_errors, p->caps);
  printf("WebSockets %" PRIu64 ", messages %" PRIu64 ", backed up %" PRIu64 ", going away %" PRIu64
         "\n",
         p->talks, p->messages, p->backed_up, p->going_away);
  printf("drains %" PRIu64 ", aborts %" PRIu64 ", late completions %" PRIu64 ", injected %" PRIu64
         ", jumps %" PRIu64 ", starved %" PRIu64 ", paused %" PRIu64 ", refusals %" PRIu64
         ", timeouts %" PRIu64 ", slowed %" PRIu64 ", calmed %" PRIu64 ", rests %" PRIu64 "\n",
         t->drains, t->aborts, t->late_completions, t->injected, t->time_jumps, t->starved,
         t->paused, t->refusals, t->timeouts, t->slowed, t->calmed, t->rests);
}

/* A run proves nothing about an event that never happened in it. */
static void assert_all_happened(const struct sim_totals *t) {
  const struct sim_stats *p = &t->parties;
  const uint64_t happened[] = {p->completed, p->resets,    p->pushed,     p->pushes_refused,
                               p->informs,   p->trailers,  p->tunnels,    p->late_resumes,
                               p->timers,    p->lent,      p->waits,      p->body_errors,
                               t->drains,    t->aborts,    t->injected,   t->time_jumps,
                               t->starved,   t->paused,    t->refusals,   t->late_completions,
                               p->too_large, t->settled,   t->slowed,     p->talks,
                               p->messages,  p->backed_up, p->going_away, t->rests};
  for (size_t i = 0; i < sizeof happened / sizeof *happened; i++)
    assert_true(happened[i] > 0);
  assert_true(p->completed > t->steps / 100);
}

static void test_worlds(void **state) {
  (void)state;
  struct sim_totals totals = {.steps = 0};
  uint64_t steps = number_from("SIM_STEPS", WORLD_STEPS);
  if (getenv("SIM_SEED")) {
    sim_world_run(number_from("SIM_SEED", 0), steps, &totals);
    print_totals(&totals);
    return;
  }
  uint64_t worlds = number_from("SIM_WORLDS", WORLDS), first = number_from("SIM_FIRST", 1);
  for (uint64_t seed = first; seed < first + worlds; seed++)
    sim_world_run(seed, steps, &totals);
  print_totals(&totals);
  if (worlds == WORLDS) assert_all_happened(&totals);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_worlds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
