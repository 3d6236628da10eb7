/*
 * plain_world.h - many connections of one protocol between two engines, driven by chance, one small step at a time: the
 * same kernel, parties and plans as in world.h, without what only HTTP/2 has.
 */
#ifndef WEIR_SIM_PLAIN_WORLD_H
#define WEIR_SIM_PLAIN_WORLD_H

#include "tests/sim/world.h"

/* What differs between protocols. */
struct sim_protocol {
  struct engine_config (*config)(struct random *random);
  bool (*open)(struct sim_world *world, struct sim_pair *pair, struct machine *machines);
  void (*mark)(struct sim_end *end); /* which protocol it speaks; after sim_end_open() */
  bool (*has_room)(const struct sim_end *end);
  bool (*request)(struct sim_end *end, uint64_t number);
  uint32_t (*count_streams)(const struct sim_end *end);
  const struct pool *(*streams)(const struct engine *engine);
  uint64_t (*held)(
      const struct engine *engine); /* what must be 0 once all connections are closed */
  uint64_t (*timeouts)(const struct engine *engine);
};

/* Runs one world of `steps` steps from `seed`, closes it and checks that nothing is left. */
void sim_plain_world_run(const struct sim_protocol *of, uint64_t seed, uint64_t steps,
                         struct sim_totals *totals);

#endif
