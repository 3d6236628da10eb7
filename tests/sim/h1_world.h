/*
 * h1_world.h - many HTTP/1.1 connections between two engines, driven by chance, one small step at a time: the same
 * kernel, parties and plans as in world.h, without what only HTTP/2 has.
 */
#ifndef WEIR_SIM_H1_WORLD_H
#define WEIR_SIM_H1_WORLD_H

#include "tests/sim/world.h"

/* Runs one world of `steps` steps from `seed`, closes it and checks that nothing is left. */
void sim_h1_world_run(uint64_t seed, uint64_t steps, struct sim_totals *totals);

#endif
