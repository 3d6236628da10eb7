/*
 * h1_world.c - what is special about HTTP/1.1; see h1_world.h.
 */
#include "tests/sim/h1_world.h"

#include "tests/sim/plain_world.h"

static struct engine_config config_of(struct random *random) {
  struct engine_config config = engine_config_default();
  config.header_list_bytes = random_one_in(random, 3) ? 12 * KIB : 64 * KIB;
  config.h1.window_bytes = random_one_in(random, 3) ? 1000 : 65536;
  config.h1.flow = (enum stream_flow)(FLOW_ECHO + random_below(random, 4));
  config.idle_ns = (1 + random_below(random, 60)) * SECOND_NS;
  return config;
}

static bool machines_open(struct sim_world *world, struct sim_pair *pair,
                          struct machine *machines) {
  static const struct machine_peer peer = {.application_protocol = "http/1.1"};
  struct machine_host *hosts[] = {&pair->ends[0].host, &pair->ends[1].host};
  if (!h1_client(&world->engines[0].h1, &peer, hosts[0], world->now_ns, &machines[0])) return false;
  if (h1_server(&world->engines[1].h1, &peer, hosts[1], world->now_ns, &machines[1])) return true;
  machines[0].ops->close(machines[0].self);
  return false;
}

static void mark(struct sim_end *end) {
  end->h1 = end->side.h1 = true;
}

static bool has_room(const struct sim_end *end) {
  return h1_request_room(sim_end_h1(end)) > 0;
}

static bool request(struct sim_end *end, uint64_t number) {
  return party_request_h1(&end->side, sim_end_h1(end), number);
}

static uint32_t count_streams(const struct sim_end *end) {
  uint32_t count = 0;
  for (const struct h1_stream *stream = sim_end_h1(end)->first; stream; stream = stream->next)
    count++;
  for (const struct h1_stream *stream = sim_end_h1(end)->graves; stream; stream = stream->next)
    count++;
  return count;
}

static const struct pool *streams(const struct engine *engine) {
  return &engine->h1.streams;
}

static uint64_t held(const struct engine *engine) {
  return engine->h1.uploads;
}

static uint64_t timeouts(const struct engine *engine) {
  return engine->h1.counters.timeouts;
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

void sim_h1_world_run(uint64_t seed, uint64_t steps, struct sim_totals *totals) {
  sim_plain_world_run(&protocol, seed, steps, totals);
}
