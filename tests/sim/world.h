/*
 * world.h - many connections between two engines, driven by chance, one small step at a time.
 */
#ifndef WEIR_SIM_WORLD_H
#define WEIR_SIM_WORLD_H

#include "engine/engine.h"
#include "tests/sim/check.h"
#include "tests/sim/end.h"
#include "tests/sim/memory.h"

enum { SIM_PAIRS = 8, SIM_PAIR_REQUESTS_MAX = 24 };

struct sim_pair {
  struct sim_end ends[2]; /* client, server */
  struct sim_pipe *pipes[2];
  uint64_t opened_step;
};

struct sim_totals {
  struct sim_stats parties;
  uint64_t steps, connections, drains, aborts, late_completions, injected, time_jumps;
  uint64_t starved, paused, refusals, timeouts, slowed, calmed, moved_bytes, settled, rests;
};

struct sim_world {
  struct random random;
  uint64_t now_ns, step, next_number;
  struct sim_memory memory;
  struct engine engines[2]; /* client, server */
  struct handler handler;
  struct party_scene scene;
  struct sim_totals *totals;
  struct sim_pair pairs[SIM_PAIRS];
  struct pool *starved_pool; /* of the engine that refuses for now */
  uint32_t starved_pool_max;
  uint64_t starved_pool_until;
  bool refuses, jumps; /* this world has refusals; has time jumps */
};

/* Runs one world of `steps` steps from `seed`, closes it and checks that nothing is left. */
void sim_world_run(uint64_t seed, uint64_t steps, struct sim_totals *totals);

#endif
