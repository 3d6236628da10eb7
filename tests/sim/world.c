/*
 * world.c - steps, faults, and the quiet phase at the end; see world.h.
 */
#include "tests/sim/world.h"

#include "engine/base/wire.h"
#include "tests/sim/fail.h"
#include "tests/sim/talk.h"

#include <stdlib.h>

/* ---- a world's life
 * ------------------------------------------------------------------------------- */

static uint32_t pick(struct random *random, const uint32_t *values, uint32_t count) {
  return values[random_below(random, count)];
}

static struct engine_config config_of(struct random *random) {
  static const uint32_t windows[] = {65535, 65535, 1000, 20000, 200000, 65536};
  static const uint32_t connection_windows[] = {1 << 20, 65535, 65536, 100000};
  static const uint32_t frames[] = {16384, 16384, 20000, 65536};
  static const uint32_t lists[] = {64 * KIB, 64 * KIB, 12 * KIB};
  static const uint32_t concurrent[] = {128, 20, 5};
  struct engine_config config = engine_config_default();
  config.h2.stream_window_bytes = pick(random, windows, 6);
  config.h2.connection_window_bytes = pick(random, connection_windows, 4);
  config.h2.frame_bytes_max = pick(random, frames, 4);
  config.header_list_bytes = pick(random, lists, 3);
  config.h2.concurrent_streams = pick(random, concurrent, 3);
  config.h2.no_rfc7540_priorities = random_one_in(random, 2);
  config.h2.push = !random_one_in(random, 4);
  config.h2.flow = (enum stream_flow)(FLOW_ECHO + random_below(random, 4));
  config.idle_ns = (1 + random_below(random, 60)) * SECOND_NS;
  return config;
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  if (request->protocol.len > 0)
    talk_serve(party_accepting, stream, request);
  else
    party_serve(ctx, stream, request, now_ns);
}

static void world_open(struct sim_world *world, uint64_t seed, struct sim_totals *totals) {
  *world = (struct sim_world){.random = {seed}, .now_ns = 1000 * SECOND_NS, .totals = totals};
  sim_memory_init(&world->memory);
  world->handler = (struct handler){.request = serve, .protocols = talk_protocols};
  talk_memory = &world->memory.memory;
  world->scene = (struct party_scene){.random = &world->random,
                                      .stats = &totals->parties,
                                      .next_number = &world->next_number,
                                      .now_ns = &world->now_ns};
  world->next_number = seed % 1000003 * 1000000;
  world->refuses = random_one_in(&world->random, 3);
  world->jumps = random_one_in(&world->random, 3);
  for (int i = 0; i < 2; i++) {
    struct engine_config config = config_of(&world->random);
    bool ok =
        engine_init(&world->engines[i], &world->memory.memory, &config, i ? &world->handler : NULL);
    sim_check(ok, "an engine was refused");
    engine_set_date(&world->engines[i], 784111777);
  }
}

static void pair_open(struct sim_world *world, struct sim_pair *pair) {
  static const struct machine_peer peer = {.application_protocol = "h2", .secure = true};
  struct sim_end *client = &pair->ends[0], *server = &pair->ends[1];
  struct machine machines[2];
  bool ok = h2_client(&world->engines[0].h2, &peer, &client->host, world->now_ns, &machines[0]);
  if (!ok) {
    sim_check(world->refuses, "a client was refused");
    return;
  }
  ok = h2_server(&world->engines[1].h2, &peer, &server->host, world->now_ns, &machines[1]);
  if (!ok) {
    sim_check(world->refuses, "a server was refused");
    machines[0].ops->close(machines[0].self);
    return;
  }
  for (int i = 0; i < 2; i++) {
    uint32_t least = random_one_in(&world->random, 12) ? 0 : 4096;
    pair->pipes[i]->at = pair->pipes[i]->len = 0;
    pair->pipes[i]->capacity = least + random_size(&world->random, SIM_PIPE_BYTES_MAX - least);
    pair->ends[i].in = pair->pipes[i];
    pair->ends[i].peer = &pair->ends[1 - i];
    sim_end_open(&pair->ends[i], machines[i], i == 0, &world->scene);
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

/* ---- faults
 * --------------------------------------------------------------------------------------- */

/* Inserts frames that a peer might send: its initial window shrinks for a while and comes back,
 * and others that are not needed. The peer itself does not know of them. So nothing here may let
 * this end send more than the peer has granted. */
static uint8_t *put_setting(uint8_t *at, uint16_t id, uint32_t value) {
  return wire_put32(wire_put16(at, id), value);
}

static uint8_t *put_settings_header(uint8_t *at, uint32_t count) {
  return h2_frame_header_encode(
      at, (struct h2_frame_header){.length = count * H2_SETTING_BYTES, .type = H2_SETTINGS});
}

/* The value that the peer itself has announced. */
static uint32_t honest(const struct sim_end *end, uint16_t id) {
  const struct h2_settings *theirs = &sim_end_h2(end->peer)->ours;
  switch (id) {
  case H2_INITIAL_WINDOW_SIZE: return theirs->initial_window_size;
  case H2_MAX_CONCURRENT_STREAMS: return theirs->max_concurrent_streams;
  case H2_HEADER_TABLE_SIZE: return theirs->header_table_size;
  default: return theirs->max_frame_size;
  }
}

static bool may_be_told(const struct sim_end *end) {
  return end->open && end->peer->open && !sim_end_h2(end->peer)->lost;
}

static void inject_setting(struct sim_world *world, struct sim_end *end, uint16_t id) {
  uint8_t frame[16];
  if (!may_be_told(end)) return;
  uint32_t value = honest(end, id);
  if (id == H2_MAX_FRAME_SIZE)
    value = H2_FRAME_BYTES_MIN;
  else if (id == H2_MAX_HEADER_LIST_SIZE)
    value = UINT32_MAX; /* so that the server has to answer 431 */
  else if (!random_one_in(&world->random, 3))
    value = random_below(&world->random, value ? value : 1);
  (void)put_setting(put_settings_header(frame, 1), id, value);
  if (sim_end_inject(end, frame, sizeof frame - 1)) world->totals->injected++;
}

static void inject_priority(struct sim_world *world, struct sim_end *end) {
  uint8_t frame[16] = {0, 0, 5, H2_PRIORITY, 0, 0, 0, 0, 0};
  if (end->client) return;
  frame[8] = (uint8_t)(1 + 2 * random_below(&world->random, 60));
  frame[12] = (uint8_t)random_below(&world->random, 120);
  if (frame[12] == frame[8]) frame[12] = 0;
  frame[9] = random_one_in(&world->random, 3) ? 0x80 : 0;
  frame[13] = (uint8_t)random_below(&world->random, 256);
  if (sim_end_inject(end, frame, 14)) world->totals->injected++;
}

/* Without a payload: reading may pause after the frame header. */
static bool inject_unknown(struct sim_world *world, struct sim_end *end) {
  static const uint8_t frame[H2_FRAME_HEADER_BYTES] = {0, 0, 0, 0x42, 0xff, 0, 0, 0, 9};
  bool injected = sim_end_inject(end, frame, sizeof frame);
  world->totals->injected += injected;
  return injected;
}

/* More useless frames than the end reads without a pause. */
static void inject_flood(struct sim_world *world, struct sim_end *end) {
  while (inject_unknown(world, end))
    ;
}

static void inject(struct sim_world *world, struct sim_end *end) {
  static const uint16_t ids[] = {H2_INITIAL_WINDOW_SIZE,    H2_INITIAL_WINDOW_SIZE,
                                 H2_MAX_CONCURRENT_STREAMS, H2_HEADER_TABLE_SIZE,
                                 H2_MAX_FRAME_SIZE,         H2_MAX_HEADER_LIST_SIZE};
  uint32_t what = random_below(&world->random, 10);
  if (what == 0 && random_one_in(&world->random, 10))
    inject_flood(world, end);
  else if (what == 0)
    (void)inject_unknown(world, end);
  else if (what < 4)
    inject_priority(world, end);
  else
    inject_setting(world, end, ids[random_below(&world->random, 6)]);
}

/* Restores the peer's settings to what it announced. Returns false if that is not possible now. */
static bool inject_honesty(struct sim_end *end) {
  static const uint16_t ids[] = {H2_INITIAL_WINDOW_SIZE, H2_MAX_CONCURRENT_STREAMS,
                                 H2_HEADER_TABLE_SIZE, H2_MAX_FRAME_SIZE};
  uint8_t frame[64], *at = put_settings_header(frame, 4);
  if (!may_be_told(end)) return true;
  for (int i = 0; i < 4; i++)
    at = put_setting(at, ids[i], honest(end, ids[i]));
  return sim_end_inject(end, frame, (size_t)(at - frame));
}

static void pool_restore(struct sim_world *world) {
  if (world->starved_pool) world->starved_pool->max = world->starved_pool_max;
  world->starved_pool = NULL;
}

/* For a while, a pool is full or memory is refused. */
static void refuse_something(struct sim_world *world) {
  struct h2_shared *shared = &world->engines[random_below(&world->random, 2)].h2;
  struct pool *pools[] = {
      &shared->connections,  &shared->streams,       &shared->sections,
      &shared->outs,         &shared->controls,      &shared->frames,
      &shared->sched.shares, &shared->sched.updates, &shared->sched.placeholders};
  const uint32_t count = sizeof pools / sizeof *pools;
  uint32_t which = random_below(&world->random, 2 * count);
  world->totals->refusals++;
  if (which >= count) {
    world->memory.refuse = 1 + random_below(&world->random, 3);
    return;
  }
  if (world->starved_pool) return;
  world->starved_pool = pools[which];
  world->starved_pool_max = pools[which]->max;
  world->starved_pool_until = world->step + 1 + random_below(&world->random, 40);
  pools[which]->max = pools[which]->taken;
}

/* ---- one step
 * -------------------------------------------------------------------------------------- */

static void pass_time(struct sim_world *world) {
  world->now_ns += random_below(&world->random, 200000);
  if (!world->jumps || !random_one_in(&world->random, 5000)) return;
  world->now_ns += random_size(&world->random, 40) * SECOND_NS;
  world->totals->time_jumps++;
}

static void do_request(struct sim_world *world, struct sim_end *end) {
  if (!end->client || end->side.parties.count + end->side.talk_count >= SIM_PAIR_REQUESTS_MAX)
    return;
  struct h2 *h2 = sim_end_h2(end);
  uint32_t room = h2_request_room(h2);
  bool talk = talk_is_possible(h2) && random_one_in(&world->random, 12);
  bool made = (talk ? talk_request : party_request)(&end->side, h2, ++world->next_number);
  sim_note("a request %s", made ? "is made" : "is refused");
  sim_check(made || room == 0 || world->refuses, "a request was refused");
}

static void do_ping(struct sim_world *world, struct sim_end *end) {
  uint8_t opaque[8] = {(uint8_t)world->step};
  if (!sim_end_h2(end)->lost) h2_ping(sim_end_h2(end), opaque);
}

static void do_reprioritize(struct sim_world *world, struct sim_end *end) {
  static const char *const fields[] = {"u=0", "u=6, i", "i", ""};
  struct party *party = party_at(&end->side.parties, random_below(&world->random, 64));
  if (!end->client || !party || !party->stream) return;
  const struct h2_stream *stream = (const struct h2_stream *)(const void *)party->stream;
  if (!stream->announced) return; /* a server bounds the number of idle streams that may be named */
  const struct h2_dependency dependency = {.stream_id = stream->id > 2 ? stream->id - 2 : 0,
                                           .weight =
                                               (uint16_t)(1 + random_below(&world->random, 256)),
                                           .exclusive = random_one_in(&world->random, 3)};
  if (random_one_in(&world->random, 2))
    h2_depend(sim_end_h2(end), stream->id, dependency);
  else
    h2_reprioritize(sim_end_h2(end), stream->id,
                    span_text(fields[random_below(&world->random, 4)]));
}

static void do_party(struct sim_world *world, struct sim_end *end) {
  struct party *party = party_at(&end->side.parties, random_below(&world->random, 64));
  struct talk *talk = talk_at(&end->side, random_below(&world->random, 64));
  if (party) party_act(party);
  if (talk) talk_act(talk);
}

/* Actions of handlers and users, which happen regardless of the transport. */
static void do_application(struct sim_world *world, struct sim_end *end) {
  uint32_t what = random_below(&world->random, 64);
  if (what < 24)
    do_request(world, end);
  else if (what == 24)
    do_ping(world, end);
  else if (what < 27)
    do_reprioritize(world, end);
  else
    do_party(world, end);
}

static void do_fault(struct sim_world *world, struct sim_end *end) {
  struct random *random = &world->random;
  uint32_t what = random_below(random, 256);
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
  } else if (what < 64 && world->refuses) {
    refuse_something(world);
  } else {
    inject(world, end);
  }
}

static void do_transport(struct sim_world *world, struct sim_end *end) {
  bool reads = world->step >= end->starved_until && world->step >= end->paused_until;
  switch (random_below(&world->random, 3)) {
  case 0: (void)sim_end_submit(end, &world->random, false); break;
  case 1: (void)sim_end_complete(end, &world->random, false); break;
  default:
    if (reads) (void)sim_end_receive(end, &world->random, false);
  }
}

/* Every error that an engine may announce here, and its required cause. */
static void check_farewell(struct sim_world *world, struct sim_end *end) {
  uint32_t code = end->wire.goaway_code;
  if (code == H2_NO_ERROR) return;
  bool timed = world->jumps || world->now_ns - sim_end_h2(end)->opened_ns > 4 * SECOND_NS;
  bool explained = (code == H2_INTERNAL_ERROR && world->refuses) ||
                   (code == H2_ENHANCE_YOUR_CALM) || (code == H2_SETTINGS_TIMEOUT && timed) ||
                   (code == H2_PROTOCOL_ERROR && timed && !sim_end_h2(end)->settings_received);
  sim_check(explained, "%s ends the connection with code %u", end->client ? "client" : "server",
            code);
}

static void after_step(struct sim_world *world, struct sim_pair *pair) {
  for (int i = 0; i < 2; i++) {
    struct sim_end *end = &pair->ends[i];
    if (!end->open) continue;
    sim_end_settle_wants(end);
    if (!world->refuses) world->totals->rests += sim_end_rest(end);
    sim_check_end(end);
    if (end->open) check_farewell(world, end);
  }
}

static uint32_t count_streams(const struct sim_end *end) {
  uint32_t count = 0;
  if (!end->open) return 0;
  for (const struct h2_stream *stream = sim_end_h2(end)->all; stream; stream = stream->next)
    count++;
  for (const struct h2_stream *stream = sim_end_h2(end)->graves; stream; stream = stream->next)
    count++;
  return count;
}

/* Every stream that is taken from its pool belongs to a connection. */
static void check_leaks(const struct sim_world *world) {
  for (int i = 0; i < 2; i++) {
    uint32_t count = 0;
    for (int p = 0; p < SIM_PAIRS; p++)
      count += count_streams(&world->pairs[p].ends[i]);
    sim_check(count == world->engines[i].h2.streams.taken, "%u streams taken, %u known",
              world->engines[i].h2.streams.taken, count);
  }
}

static void step(struct sim_world *world) {
  struct random *random = &world->random;
  sim_step_begin(world->step);
  pass_time(world);
  if (world->starved_pool && world->step >= world->starved_pool_until) pool_restore(world);
  struct sim_pair *pair = &world->pairs[random_below(random, SIM_PAIRS)];
  if (!pair_is_open(pair)) {
    pair_open(world, pair);
    return;
  }
  struct sim_end *end = &pair->ends[random_below(random, 2)];
  if (!end->open) end = end->peer;
  if (!random_one_in(random, 8)) (void)sim_end_tick(end, world->now_ns);
  uint32_t what = random_below(random, 64);
  if (!end->open)
    ;
  else if (what == 0)
    do_fault(world, end);
  else if (what < 20)
    do_application(world, end);
  else
    do_transport(world, end);
  after_step(world, pair);
  if (world->step % 64 == 0) check_leaks(world);
}

/* ---- the quiet at the end
 * ---------------------------------------------------------------------------- */

/* All parties of a side do everything that they can. */
static void act_all(struct sim_end *end) {
  if (!end->open) return;
  for (struct party *party = end->side.parties.first, *next; party; party = next) {
    next = party->next;
    party_act(party);
  }
  talk_act_all(&end->side);
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
  after_step(world, pair);
  return moved;
}

static bool pair_is_quiet(const struct sim_pair *pair) {
  const struct party_side *a = &pair->ends[0].side, *b = &pair->ends[1].side;
  return a->parties.count + b->parties.count + a->talk_count + b->talk_count == 0;
}

static void tell_stream(const struct h2_stream *stream) {
  const struct h2 *h2 = stream->h2;
  sim_note(" stream %u: state %d, may send %d of %d, grants %lld held %u returnable %u target %u "
           "cap %lld, ready %d, body %d",
           stream->id, stream->state, stream->window.bytes, h2->window.bytes,
           (long long)stream->credit.granted, stream->credit.held, stream->credit.returnable,
           stream->credit.target, (long long)stream->credit.cap, stream->node.ready,
           stream->body.ops != NULL);
}

static void tell_stuck(const struct sim_pair *pair) {
  for (int i = 0; i < 2; i++) {
    const struct sim_end *end = &pair->ends[i];
    sim_note("%s: open %d, parties %u, pipe %u, wants %u", i ? "server" : "client", end->open,
             end->side.parties.count, end->in->len,
             end->open ? end->machine.ops->wants(end->machine.self) : 0);
    for (const struct party *party = end->side.parties.first; party; party = party->next)
      sim_note(" %llx kind %d answer %d: stream %llu closed %d end %d received %u sent %u of %u "
               "waiting %d ended %d",
               (unsigned long long)party->plan.number, party->plan.kind, party->plan.answer,
               party->stream ? (unsigned long long)party->stream->id : 0, party->closed, party->end,
               party->received, party->body.sent, party->body.bytes, party->body.waiting,
               party->body.ended);
    if (!end->open) continue;
    for (const struct h2_stream *stream = sim_end_h2(end)->all; stream; stream = stream->next)
      tell_stream(stream);
  }
}

/* Without faults, and with willing handlers, every exchange comes to its end. A millisecond
 * passes each round. The longest timers are the engine's own, for peers that went away. */
static void pair_settle(struct sim_world *world, struct sim_pair *pair) {
  enum { ROUNDS_MAX = 200000 };
  sim_note("a connection settles");
  world->totals->settled++;
  for (int i = 0; i < 2; i++) {
    pair->ends[i].side.generous = true;
    pair->pipes[i]->capacity = SIM_PIPE_BYTES_MAX;
  }
  bool told[2] = {false, false};
  for (uint32_t round = 0; pair_is_open(pair) && !pair_is_quiet(pair); round++) {
    if (round == ROUNDS_MAX) {
      tell_stuck(pair);
      sim_fail("a connection does not settle");
    }
    for (int i = 0; i < 2; i++)
      told[i] = told[i] || inject_honesty(&pair->ends[i]);
    bool moved = quiet_round(world, pair);
    world->now_ns += moved ? 10000 : MILLISECOND_NS;
  }
  for (int i = 0; i < 2; i++)
    pair->ends[i].side.generous = false;
}

static void pair_end(struct sim_world *world, struct sim_pair *pair) {
  uint32_t how = random_below(&world->random, 4);
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
              "connections: %llu opened, %llu closed",
              (unsigned long long)counters->connections_opened,
              (unsigned long long)counters->connections_closed);
    sim_check(counters->streams_opened == counters->streams_closed,
              "streams: %llu opened, %llu closed", (unsigned long long)counters->streams_opened,
              (unsigned long long)counters->streams_closed);
    sim_check(counters->connections_busied == counters->connections_quieted,
              "connections: %llu busied, %llu quieted",
              (unsigned long long)counters->connections_busied,
              (unsigned long long)counters->connections_quieted);
    sim_check(world->engines[i].h2.streams.taken == 0, "%u streams leaked",
              world->engines[i].h2.streams.taken);
    sim_check(counters->body_bytes_received <= world->engines[1 - i].http.counters.body_bytes_sent,
              "more body bytes received than sent");
    world->totals->timeouts += world->engines[i].h2.counters.timeouts;
    world->totals->slowed += world->engines[i].h2.counters.slowed;
    world->totals->calmed += world->engines[i].h2.counters.calmed;
    world->totals->moved_bytes += counters->body_bytes_received;
  }
}

static void world_close(struct sim_world *world) {
  pool_restore(world);
  world->memory.refuse = 0;
  for (int p = 0; p < SIM_PAIRS; p++)
    pair_end(world, &world->pairs[p]);
  check_counters(world);
  for (int i = 0; i < 2; i++)
    engine_destroy(&world->engines[i]);
  sim_check(world->memory.count == 0 && world->memory.bytes == 0,
            "%llu allocations of %llu bytes leaked", (unsigned long long)world->memory.count,
            (unsigned long long)world->memory.bytes);
}

void sim_world_run(uint64_t seed, uint64_t steps, struct sim_totals *totals) {
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
