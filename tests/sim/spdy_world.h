/*
 * spdy_world.h - many SPDY sessions between two engines, 3.1 and 3, with and without detection of windows, driven by
 * chance, one small step at a time: see plain_world.h.
 */
#ifndef WEIR_SIM_SPDY_WORLD_H
#define WEIR_SIM_SPDY_WORLD_H

#include "tests/sim/world.h"

/* Runs one world of `steps` steps from `seed`, closes it and checks that nothing is left. */
void sim_spdy_world_run(uint64_t seed, uint64_t steps, struct sim_totals *totals);

#endif
