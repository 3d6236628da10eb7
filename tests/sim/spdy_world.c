/*
 * spdy_world.c - what is special about SPDY; see spdy_world.h.
 */
#include "tests/sim/spdy_world.h"

#include "tests/sim/plain_world.h"

static struct engine_config config_of(struct random *random) {
  struct engine_config config = engine_config_default();
  config.header_list_bytes = random_one_in(random, 3) ? 12 * KIB : 64 * KIB;
  config.spdy.stream_window_bytes = random_one_in(random, 3) ? 1000 : 65536;
  config.spdy.session_window_bytes = random_one_in(random, 3) ? 65536 : 1 * MIB;
  config.spdy.concurrent_streams = 1 + random_below(random, 60);
  config.spdy.push = !random_one_in(random, 3);
  config.idle_ns = (1 + random_below(random, 60)) * SECOND_NS;
  return config;
}

static bool machines_open(struct sim_world *world, struct sim_pair *pair,
                          struct machine *machines) {
  static const struct machine_peer peer = {.application_protocol = "spdy/3.1"};
  struct machine_host *hosts[] = {&pair->ends[0].host, &pair->ends[1].host};
  const uint32_t way = random_below(&world->random, 8);
  const struct spdy_session_config session = {.minor = way & 1 ? SPDY_3_1 : SPDY_3,
                                              .windows =
                                                  way & 2 ? SPDY_WINDOWS_ON : SPDY_WINDOWS_DETECT};
  if (!spdy_client(&world->engines[0].spdy, &session, &peer, hosts[0], world->now_ns, &machines[0]))
    return false;
  if (spdy_server(&world->engines[1].spdy, &session, &peer, hosts[1], world->now_ns, &machines[1]))
    return true;
  machines[0].ops->close(machines[0].self);
  return false;
}

static void mark(struct sim_end *end) {
  end->spdy = end->side.spdy = true;
}

static bool has_room(const struct sim_end *end) {
  return spdy_request_room(sim_end_spdy(end)) > 0;
}

static bool request(struct sim_end *end, uint64_t number) {
  return party_request_spdy(&end->side, sim_end_spdy(end), number);
}

static uint32_t count_streams(const struct sim_end *end) {
  uint32_t count = 0;
  for (const struct spdy_stream *stream = sim_end_spdy(end)->all; stream; stream = stream->next)
    count++;
  for (const struct spdy_stream *stream = sim_end_spdy(end)->graves; stream; stream = stream->next)
    count++;
  return count;
}

static const struct pool *streams(const struct engine *engine) {
  return &engine->spdy.streams;
}

static uint64_t held(const struct engine *engine) {
  return engine->spdy.window_bytes_charged;
}

static uint64_t timeouts(const struct engine *engine) {
  return engine->spdy.counters.timeouts;
}

static const struct sim_protocol protocol = {.config = config_of,
                                             .open = machines_open,
                                             .mark = mark,
                                             .has_room = has_room,
                                             .request = request,
                                             .count_streams = count_streams,
                                             .streams = streams,
                                             .held = held,
                                             .timeouts = timeouts};

void sim_spdy_world_run(uint64_t seed, uint64_t steps, struct sim_totals *totals) {
  sim_plain_world_run(&protocol, seed, steps, totals);
}
