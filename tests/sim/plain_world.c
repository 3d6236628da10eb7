/*
 * plain_world.c - steps, faults, and the quiet phase at the end; see plain_world.h.
 */
#include "tests/sim/plain_world.h"

#include "tests/sim/fail.h"

#include <stdlib.h>

/* ---- a world's life -------------------------------------------------------------------------- */

static const struct sim_protocol *protocol; /* of the world that runs */

static void world_open(struct sim_world *world, uint64_t seed, struct sim_totals *totals) {
  *world = (struct sim_world){.random = {seed}, .now_ns = 1000 * SECOND_NS, .totals = totals};
  sim_memory_init(&world->memory);
  world->handler = (struct handler){.request = party_serve};
  world->scene = (struct party_scene){.random = &world->random,
                                      .stats = &totals->parties,
                                      .next_number = &world->next_number,
                                      .now_ns = &world->now_ns};
  world->next_number = seed % 1000003 * 1000000;
  world->refuses = random_one_in(&world->random, 3);
  world->jumps = random_one_in(&world->random, 3);
  for (int i = 0; i < 2; i++) {
    const struct engine_config config = protocol->config(&world->random);
    const bool ok =
        engine_init(&world->engines[i], &world->memory.memory, &config, i ? &world->handler : NULL);
    sim_check(ok, "an engine was refused");
    engine_set_date(&world->engines[i], 784111777);
  }
}

static void pair_open(struct sim_world *world, struct sim_pair *pair) {
  struct machine machines[2];
  if (!protocol->open(world, pair, machines)) {
    sim_check(world->refuses, "a connection was refused");
    return;
  }
  for (int i = 0; i < 2; i++) {
    const uint32_t least = random_one_in(&world->random, 12) ? 0 : 4096;
    pair->pipes[i]->at = pair->pipes[i]->len = 0;
    pair->pipes[i]->capacity = least + random_size(&world->random, SIM_PIPE_BYTES_MAX - least);
    pair->ends[i].in = pair->pipes[i];
    pair->ends[i].peer = &pair->ends[1 - i];
    sim_end_open(&pair->ends[i], machines[i], i == 0, &world->scene);
    protocol->mark(&pair->ends[i]);
  }
  pair->opened_step = world->step;
  world->totals->connections++;
}

static void pairs_allocate(struct sim_world *world) {
  for (int p = 0; p < SIM_PAIRS; p++)
    for (int i = 0; i < 2; i++) {
      world->pairs[p].pipes[i] = calloc(1, sizeof(struct sim_pipe));
      world->pairs[p].ends[i].shadow = malloc(SIM_SHADOW_BYTES);
      sim_check(world->pairs[p].pipes[i] && world->pairs[p].ends[i].shadow, "out of memory");
    }
}

static void pairs_free(struct sim_world *world) {
  for (int p = 0; p < SIM_PAIRS; p++)
    for (int i = 0; i < 2; i++) {
      free(world->pairs[p].pipes[i]);
      free(world->pairs[p].ends[i].shadow);
    }
}

static bool pair_is_open(const struct sim_pair *pair) {
  return pair->ends[0].open || pair->ends[1].open;
}

/* ---- one step -------------------------------------------------------------------------------- */

static void pass_time(struct sim_world *world) {
  world->now_ns += random_below(&world->random, 200000);
  if (!world->jumps || !random_one_in(&world->random, 5000)) return;
  world->now_ns += random_size(&world->random, 40) * SECOND_NS;
  world->totals->time_jumps++;
}

static void do_request(struct sim_world *world, struct sim_end *end) {
  if (!end->client) return;
  const bool room = protocol->has_room(end);
  const bool made = protocol->request(end, ++world->next_number);
  sim_note("a request %s", made ? "is made" : "is refused");
  sim_check(made || !room || world->refuses, "a request was refused");
}

/* Actions of handlers and users, which happen regardless of the transport. */
static void do_application(struct sim_world *world, struct sim_end *end) {
  struct party *party = party_at(&end->side.parties, random_below(&world->random, 64));
  if (random_one_in(&world->random, 3))
    do_request(world, end);
  else if (party)
    party_act(party);
}

static void do_fault(struct sim_world *world, struct sim_end *end) {
  struct random *random = &world->random;
  const uint32_t what = random_below(random, 64);
  if (what < 24) {
    end->starved_until = world->step + random_below(random, 2000); /* ENOBUFS */
    world->totals->starved++;
  } else if (what < 32) {
    end->paused_until = world->step + random_below(random, 8000); /* a slow reader */
    world->totals->paused++;
  } else if (what < 35) {
    sim_end_drain(end);
    world->totals->drains++;
  } else if (what < 38) {
    world->totals->aborts++;
    world->totals->late_completions += end->sending;
    sim_end_close(end, random_one_in(random, 2));
  } else if (world->refuses) {
    world->memory.refuse = 1 + random_below(random, 3);
    world->totals->refusals++;
  }
}

static void do_transport(struct sim_world *world, struct sim_end *end) {
  const bool reads = world->step >= end->starved_until && world->step >= end->paused_until;
  switch (random_below(&world->random, 3)) {
  case 0: (void)sim_end_submit(end, &world->random, false); break;
  case 1: (void)sim_end_complete(end, &world->random, false); break;
  default:
    if (reads) (void)sim_end_receive(end, &world->random, false);
  }
}

static void settle_wants(struct sim_pair *pair) {
  for (int i = 0; i < 2; i++)
    sim_end_settle_wants(&pair->ends[i]);
}

/* Every stream that is taken from its pool belongs to a connection. */
static void check_leaks(const struct sim_world *world) {
  for (int i = 0; i < 2; i++) {
    uint32_t count = 0;
    for (int p = 0; p < SIM_PAIRS; p++)
      if (world->pairs[p].ends[i].open) count += protocol->count_streams(&world->pairs[p].ends[i]);
    const uint32_t taken = protocol->streams(&world->engines[i])->taken;
    sim_check(count == taken, "%u streams taken, %u known", taken, count);
  }
}

static void step(struct sim_world *world) {
  struct random *random = &world->random;
  sim_step_begin(world->step);
  pass_time(world);
  struct sim_pair *pair = &world->pairs[random_below(random, SIM_PAIRS)];
  if (!pair_is_open(pair)) {
    pair_open(world, pair);
    return;
  }
  struct sim_end *end = &pair->ends[random_below(random, 2)];
  if (!end->open) end = end->peer;
  if (!random_one_in(random, 8)) (void)sim_end_tick(end, world->now_ns);
  const uint32_t what = random_below(random, 128);
  if (end->open && what == 0)
    do_fault(world, end);
  else if (end->open && what < 40)
    do_application(world, end);
  else if (end->open)
    do_transport(world, end);
  settle_wants(pair);
  if (world->step % 64 == 0) check_leaks(world);
}

/* ---- the quiet at the end -------------------------------------------------------------------- */

/* All parties of a side do everything that they can. */
static void act_all(struct sim_end *end) {
  if (!end->open) return;
  for (struct party *party = end->side.parties.first, *next; party; party = next) {
    next = party->next;
    party_act(party);
  }
}

/* Moves everything as far as it goes. Returns true when something moved. */
static bool quiet_round(struct sim_world *world, struct sim_pair *pair) {
  bool moved = false;
  for (int i = 0; i < 2; i++) {
    struct sim_end *end = &pair->ends[i];
    moved |= sim_end_complete(end, &world->random, true);
    moved |= sim_end_receive(end, &world->random, true);
    moved |= sim_end_tick(end, world->now_ns);
    act_all(end);
    moved |= sim_end_submit(end, &world->random, true);
  }
  settle_wants(pair);
  return moved;
}

static bool pair_is_quiet(const struct sim_pair *pair) {
  return pair->ends[0].side.parties.count + pair->ends[1].side.parties.count == 0;
}

static void tell_stuck(const struct sim_pair *pair) {
  for (int i = 0; i < 2; i++) {
    const struct sim_end *end = &pair->ends[i];
    sim_note("%s: open %d, parties %u, pipe %u, wants %u", i ? "server" : "client", end->open,
             end->side.parties.count, end->in->len,
             end->open ? end->machine.ops->wants(end->machine.self) : 0);
    for (const struct party *party = end->side.parties.first; party; party = party->next)
      sim_note(" %llx kind %d answer %d: closed %d end %d received %u sent %u of %u waiting %d "
               "ended %d",
               (unsigned long long)party->plan.number, party->plan.kind, party->plan.answer,
               party->closed, party->end, party->received, party->body.sent, party->body.bytes,
               party->body.waiting, party->body.ended);
  }
}

/* Without faults, and with willing handlers, every exchange comes to its end. */
static void pair_settle(struct sim_world *world, struct sim_pair *pair) {
  enum { ROUNDS_MAX = 200000 };
  sim_note("a connection settles");
  world->totals->settled++;
  for (int i = 0; i < 2; i++) {
    pair->ends[i].side.generous = true;
    pair->pipes[i]->capacity = SIM_PIPE_BYTES_MAX;
  }
  for (uint32_t round = 0; pair_is_open(pair) && !pair_is_quiet(pair); round++) {
    if (round == ROUNDS_MAX) {
      tell_stuck(pair);
      sim_fail("a connection does not settle");
    }
    const bool moved = quiet_round(world, pair);
    world->now_ns += moved ? 10000 : MILLISECOND_NS;
  }
  for (int i = 0; i < 2; i++)
    pair->ends[i].side.generous = false;
}

static void pair_end(struct sim_world *world, struct sim_pair *pair) {
  const uint32_t how = random_below(&world->random, 4);
  if (how > 0 && pair_is_open(pair)) pair_settle(world, pair);
  if (how == 1) sim_end_drain(&pair->ends[random_below(&world->random, 2)]);
  for (int round = 0; how == 1 && round < 4000 && pair_is_open(pair); round++) {
    (void)quiet_round(world, pair);
    world->now_ns += MILLISECOND_NS;
  }
  sim_check(how != 1 || !pair_is_open(pair), "a drained connection does not end");
  for (int i = 0; i < 2; i++) {
    struct sim_end *end = &pair->ends[i];
    sim_end_close(end, false);
    (void)sim_end_complete(end, &world->random, true);
    sim_check(!end->open, "an end cannot be closed");
  }
}

static void check_counters(const struct sim_world *world) {
  for (int i = 0; i < 2; i++) {
    const struct http_counters *counters = &world->engines[i].http.counters;
    sim_check(counters->connections_opened == counters->connections_closed,
              "not all connections are closed");
    sim_check(counters->streams_opened == counters->streams_closed, "not all streams are closed");
    sim_check(counters->connections_busied == counters->connections_quieted,
              "a closed connection counts as busy");
    sim_check(protocol->held(&world->engines[i]) == 0, "uploads are left");
  }
}

static void world_close(struct sim_world *world) {
  world->memory.refuse = 0;
  for (int p = 0; p < SIM_PAIRS; p++)
    pair_end(world, &world->pairs[p]);
  check_counters(world);
  for (int i = 0; i < 2; i++) {
    world->totals->timeouts += protocol->timeouts(&world->engines[i]);
    engine_destroy(&world->engines[i]);
  }
  sim_check(world->memory.count == 0 && world->memory.bytes == 0,
            "%llu allocations of %llu bytes leaked", (unsigned long long)world->memory.count,
            (unsigned long long)world->memory.bytes);
}

void sim_plain_world_run(const struct sim_protocol *of, uint64_t seed, uint64_t steps,
                         struct sim_totals *totals) {
  protocol = of;
  static struct sim_world world;
  sim_run_begin(seed);
  world_open(&world, seed, totals);
  pairs_allocate(&world);
  for (world.step = 0; world.step < steps; world.step++) {
    step(&world);
    if (random_one_in(&world.random, 4000)) {
      struct sim_pair *pair = &world.pairs[random_below(&world.random, SIM_PAIRS)];
      if (pair_is_open(pair)) pair_settle(&world, pair);
    }
  }
  totals->steps += steps;
  world_close(&world);
  pairs_free(&world);
}
