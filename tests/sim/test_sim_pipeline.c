/*
 * sim/test_sim_pipeline.c - half a million steps of HTTP/1.x clients against server engines, with faults.
 *
 * SIM_SEED=n replays one world, SIM_STEPS=n sets its length, SIM_VERBOSE=1 tells the whole story.
 */
#include "tests/sim/pipeline.h"
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORLD_STEPS = 20000, WORLDS = 24 };

static uint64_t number_from(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 0) : otherwise;
}

static void print_totals(const struct pipeline_totals *t) {
  printf("steps %" PRIu64 ", connections %" PRIu64 ", requests %" PRIu64 ", answers %" PRIu64
         ", refused %" PRIu64 ", last ones %" PRIu64 "\n",
         t->steps, t->connections, t->requests, t->answers, t->refused, t->closed);
  printf("ahead %" PRIu64 ", uploads %" PRIu64 ", chunked %" PRIu64 ", waits %" PRIu64
         ", late %" PRIu64 ", lent %" PRIu64 "\n",
         t->ahead, t->uploads, t->chunked, t->waits, t->late, t->lent);
  printf("drains %" PRIu64 ", ends %" PRIu64 ", aborts %" PRIu64 ", refusals %" PRIu64
         ", jumps %" PRIu64 ", cut %" PRIu64 "\n",
         t->drains, t->ends, t->aborts, t->refusals, t->jumps, t->cut);
}

/* A run proves nothing about an event that never happened in it. */
static void assert_all_happened(const struct pipeline_totals *t) {
  const uint64_t happened[] = {t->answers, t->refused, t->closed,   t->ahead, t->uploads,
                               t->chunked, t->waits,   t->late,     t->lent,  t->drains,
                               t->ends,    t->aborts,  t->refusals, t->jumps, t->cut};
  for (size_t i = 0; i < sizeof happened / sizeof *happened; i++)
    assert_true(happened[i] > 0);
  assert_true(t->answers > t->requests / 2);
}

static void test_worlds(void **state) {
  (void)state;
  struct pipeline_totals totals = {.steps = 0};
  uint64_t steps = number_from("SIM_STEPS", WORLD_STEPS);
  if (getenv("SIM_SEED")) {
    pipeline_run(number_from("SIM_SEED", 0), steps, &totals);
    print_totals(&totals);
    return;
  }
  uint64_t worlds = number_from("SIM_WORLDS", WORLDS), first = number_from("SIM_FIRST", 1);
  for (uint64_t seed = first; seed < first + worlds; seed++)
    pipeline_run(seed, steps, &totals);
  print_totals(&totals);
  if (worlds == WORLDS) assert_all_happened(&totals);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_worlds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
