/*
 * engine/test_torture.c - every allocation of each scenario is refused in turn.
 *
 * A scenario runs once to count its allocations, then once for each of them with that one refused.
 * Whatever is refused: nothing crashes or leaks, every exchange ends exactly once, with a code for
 * lack of resources that does not blame the peer, every exchange that is reported complete is
 * complete, and the same engines then serve a new connection. Pools take memory for each object, so
 * that every object is an allocation that can be refused.
 *
 * TORTURE_SCENARIO and TORTURE_AT run one case alone.
 */
#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"
#include "tests/support/torture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene {
  struct loopback loop;
  struct torture_client client;
  bool cut; /* the scenario itself resets streams */
};

static bool is_done(const struct machine *machine) {
  return machine->ops->wants(machine->self) & MACHINE_DONE;
}

/* Runs until both are silent. An end that is done closes, and the other reads the end. */
static void run(struct scene *scene) {
  struct loopback *loop = &scene->loop;
  loopback_run(loop);
  if (is_done(&loop->client) && !is_done(&loop->server))
    loop->server.ops->recv_eof(loop->server.self, loop->now_ns);
  else if (is_done(&loop->server) && !is_done(&loop->client))
    loop->client.ops->recv_eof(loop->client.self, loop->now_ns);
  loopback_run(loop);
}

/* ---- scenarios --------------------------------------------------------------------------------
 */

static void get_small(struct scene *scene) {
  (void)torture_ask(&scene->client, "GET", "/", BODY_NONE, 100);
}

static void get_big(struct scene *scene) {
  (void)torture_ask(&scene->client, "GET", "/big", BODY_NONE, TORTURE_BIG_BYTES);
}

static void head(struct scene *scene) {
  (void)torture_ask(&scene->client, "HEAD", "/big", BODY_NONE, 0);
}

static void post_echo(struct scene *scene) {
  (void)torture_ask(&scene->client, "POST", "/echo", torture_lend(TORTURE_BIG_BYTES),
                    TORTURE_BIG_BYTES);
}

/* Every frame is cut, so that its payload is collected. */
static void byte_by_byte(struct scene *scene) {
  scene->loop.piece_bytes = 3;
  (void)torture_ask(&scene->client, "POST", "/echo", torture_lend(500), 500);
}

static void many_streams(struct scene *scene) {
  run(scene);
  for (int i = 0; i < 60; i++)
    (void)torture_ask(&scene->client, "GET", i % 2 ? "/" : "/hints", BODY_NONE, i % 2 ? 100 : 0);
}

/* The map from identifiers grows while nothing is answered. */
static void many_waiting(struct scene *scene) {
  run(scene);
  for (int i = 0; i < 60; i++)
    (void)torture_ask(&scene->client, "GET", "/late", BODY_NONE, 0);
  run(scene);
  loopback_advance(&scene->loop, 2 * MILLISECOND_NS);
}

static void push(struct scene *scene) {
  run(scene);
  (void)torture_ask(&scene->client, "GET", "/push", BODY_NONE, 100);
}

static void hints(struct scene *scene) {
  (void)torture_ask(&scene->client, "GET", "/hints", BODY_NONE, 0);
}

static void request_trailers(struct scene *scene) {
  torture_ask_with_trailers(&scene->client);
}

static void response_trailers(struct scene *scene) {
  (void)torture_ask(&scene->client, "GET", "/trailers", BODY_NONE, 10);
}

static void continuation(struct scene *scene) {
  torture_ask_huge(&scene->client, TORTURE_HUGE_BYTES);
}

/* A frame longer than the pool's buffers, in pieces. */
static void long_frame(struct scene *scene) {
  run(scene);
  scene->loop.piece_bytes = 1000;
  torture_ask_huge(&scene->client, TORTURE_HUGE_BYTES);
}

static void huge_response(struct scene *scene) {
  (void)torture_ask(&scene->client, "GET", "/huge", BODY_NONE, 10);
}

/* Above the server's limit: 431. */
static void too_large(struct scene *scene) {
  scene->loop.server_engine.http.headers.list_bytes_max = 10000;
  torture_ask_huge(&scene->client, 11000);
  run(scene);
  scene->loop.server_engine.http.headers.list_bytes_max = 64 * KIB;
}

static void header_table(struct scene *scene) {
  char names[40][16], values[40][80];
  run(scene);
  for (int round = 0; round < 4; round++) {
    struct header fields[14] = {
        header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
        header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/"))};
    for (int i = 0; i < 10; i++) {
      int n = round * 10 + i;
      snprintf(names[n], sizeof names[n], "x-name-%d", n);
      snprintf(values[n], sizeof values[n], "%070d", n);
      fields[4 + i] = (struct header){.name = span_text(names[n]), .value = span_text(values[n])};
    }
    (void)torture_ask_with(&scene->client, fields, 14, BODY_NONE, 100);
    run(scene);
  }
}

static void tunnel(struct scene *scene) {
  torture_ask_for_tunnel(&scene->client);
}

static void websocket(struct scene *scene) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("CONNECT")), header_of(TOKEN_PROTOCOL, span_text("ws")),
      header_of(TOKEN_SCHEME, span_text("https")), header_of(TOKEN_AUTHORITY, span_text("a")),
      header_of(TOKEN_PATH, span_text("/"))};
  run(scene);
  (void)torture_ask_with(&scene->client, fields, 5, torture_lend(3000), 3000);
}

static void reset(struct scene *scene) {
  scene->cut = true;
  struct torture_item *item =
      torture_ask(&scene->client, "GET", "/big", BODY_NONE, TORTURE_BIG_BYTES);
  for (int i = 0; i < 3; i++) {
    (void)loopback_move(&scene->loop, &scene->loop.client, &scene->loop.server);
    (void)loopback_move(&scene->loop, &scene->loop.server, &scene->loop.client);
  }
  if (item->stream) stream_reset(item->stream, H2_CANCEL);
}

static void priorities(struct scene *scene) {
  run(scene);
  struct h2 *h2 = h2_of(&scene->loop.client);
  for (uint32_t id = 1; id < 9; id += 2)
    if (!h2->lost) h2_reprioritize(h2, id, span_text("u=1, i"));
  for (int i = 0; i < 8; i++)
    (void)torture_ask(&scene->client, "GET", "/big", BODY_NONE, TORTURE_BIG_BYTES);
}

/* RFC 7540's PRIORITY, for streams that are open, idle and closed: the tree and its placeholders.
 */
static void dependencies(struct scene *scene) {
  run(scene);
  for (int i = 0; i < 4; i++)
    (void)torture_ask(&scene->client, "GET", "/big", BODY_NONE, TORTURE_BIG_BYTES);
  run(scene);
  static const uint8_t links[][2] = {{21, 1}, {23, 21}, {1, 23}, {3, 25}, {25, 3}, {5, 0}};
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    uint8_t frame[] = {0, 0, 5, H2_PRIORITY, 0, 0, 0, 0, links[i][0], 0, 0, 0, links[i][1], 9};
    struct machine *server = &scene->loop.server;
    (void)server->ops->recv(server->self, span_of(frame, sizeof frame), scene->loop.now_ns);
  }
}

static void ping(struct scene *scene) {
  for (int i = 0; i < 20; i++)
    h2_ping(h2_of(&scene->loop.client), (const uint8_t *)"torture!");
}

static void drain(struct scene *scene) {
  (void)torture_ask(&scene->client, "GET", "/late", BODY_NONE, 0);
  run(scene);
  scene->loop.server.ops->drain(scene->loop.server.self, scene->loop.now_ns);
  run(scene);
  loopback_advance(&scene->loop, 2 * SECOND_NS);
}

static void idle(struct scene *scene) {
  get_small(scene);
  run(scene);
  loopback_advance(&scene->loop, PEER_IDLE_NS + SECOND_NS);
}

static const struct scenario {
  const char *name;
  void (*run)(struct scene *scene);
  bool sniffed; /* in clear text, so that conn.c detects the protocol */
} scenarios[] = {
    {"get small", get_small, false},
    {"get small, clear text", get_small, true},
    {"get big", get_big, false},
    {"head", head, false},
    {"post echo", post_echo, false},
    {"byte by byte", byte_by_byte, true},
    {"many streams", many_streams, false},
    {"many waiting", many_waiting, false},
    {"push", push, false},
    {"early hints", hints, false},
    {"request trailers", request_trailers, false},
    {"response trailers", response_trailers, false},
    {"CONTINUATION", continuation, false},
    {"long frame", long_frame, false},
    {"huge response", huge_response, false},
    {"431", too_large, false},
    {"header table", header_table, false},
    {"tunnel", tunnel, false},
    {"websocket", websocket, false},
    {"reset", reset, false},
    {"priorities", priorities, false},
    {"dependencies", dependencies, false},
    {"ping", ping, true},
    {"drain", drain, false},
    {"idle", idle, false},
};

enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/* ---- the rack ---------------------------------------------------------------------------------
 */

/* Each object is an allocation. */
static void unbundle(struct engine *engine) {
  struct pool *pools[] = {&engine->undecided,        &engine->h2.connections,
                          &engine->h2.streams,       &engine->h2.sections,
                          &engine->h2.outs,          &engine->h2.controls,
                          &engine->h2.frames,        &engine->h2.sched.shares,
                          &engine->h2.sched.updates, &engine->h2.sched.placeholders};
  for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
    pools[i]->chunk_count = 1;
}

static bool engines_open(struct loopback *loop) {
  struct engine_config config = engine_config_default();
  config.h2.frame_bytes_max = 64 * KIB;
  config.h2.connect_protocol = true;
  config.h2.no_rfc7540_priorities = false;
  if (!engine_init(&loop->server_engine, &loop->memory.memory, &config, &torture_handler))
    return false;
  if (!engine_init(&loop->client_engine, &loop->memory.memory, &config, NULL)) {
    engine_destroy(&loop->server_engine);
    return false;
  }
  unbundle(&loop->server_engine);
  unbundle(&loop->client_engine);
  engine_set_date(&loop->server_engine, 784111777);
  return true;
}

static bool machines_open(struct loopback *loop, bool sniffed) {
  struct machine_peer peer = {.application_protocol = sniffed ? "" : "h2", .secure = !sniffed};
  struct machine_factory factory = conn_factory(&loop->server_engine);
  if (!factory.create(factory.ctx, &peer, NULL, loop->now_ns, &loop->server)) return false;
  if (h2_client(&loop->client_engine.h2, &loopback_peer, NULL, loop->now_ns, &loop->client))
    return true;
  loop->server.ops->close(loop->server.self);
  return false;
}

static void machines_close(struct loopback *loop) {
  loop->client.ops->close(loop->client.self);
  loop->server.ops->close(loop->server.self);
}

static void check_goaway(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t error_code,
                         struct span debug) {
  (void)debug;
  (void)ctx;
  (void)h2;
  (void)last_stream_id;
  assert_true(error_code == H2_NO_ERROR || error_code == H2_INTERNAL_ERROR);
}

static const struct h2_client_events client_ears = {.goaway = check_goaway};

/* One connection of the scenario, from beginning to end. */
static void connection(struct scene *scene, const struct scenario *scenario, bool refused) {
  struct loopback *loop = &scene->loop;
  scene->client.item_count = scene->client.open = 0;
  scene->cut = false;
  loop->piece_bytes = 0;
  if (!machines_open(loop, scenario->sniffed)) {
    assert_true(refused);
    return;
  }
  scene->client.h2 = h2_of(&loop->client);
  h2_client_listen(scene->client.h2, &client_ears, NULL);
  scenario->run(scene);
  run(scene);
  loopback_advance(loop, 10 * MILLISECOND_NS);
  machines_close(loop);
  torture_check(&scene->client, refused || scene->cut);
  assert_int_equal(loop->server_engine.http.counters.streams_opened,
                   loop->server_engine.http.counters.streams_closed);
}

/* Returns the total number of allocations. */
static uint64_t torture(const struct scenario *scenario, uint64_t refuse_at) {
  struct scene *scene = calloc(1, sizeof *scene);
  struct loopback *loop = &scene->loop;
  loop->now_ns = 1000 * SECOND_NS;
  counted_init(&loop->memory);
  loop->memory.refuse_at = refuse_at;
  bool open = engines_open(loop);
  if (!open) {
    assert_true(refuse_at);
    assert_int_equal(loop->memory.count, 0);
    assert_true(engines_open(loop));
  }
  if (open) connection(scene, scenario, refuse_at != 0);
  uint64_t calls = loop->memory.calls;
  assert_true(refuse_at == 0 || calls >= refuse_at);
  loop->memory.refuse_at = 0;
  connection(scene, scenario, false); /* afterwards, everything works */
  engine_destroy(&loop->client_engine);
  engine_destroy(&loop->server_engine);
  assert_int_equal(loop->memory.count, 0);
  assert_int_equal(loop->memory.bytes, 0);
  free(scene);
  return calls;
}

static void test_scenario(void **state) {
  const struct scenario *scenario = *state;
  uint64_t calls = torture(scenario, 0);
  assert_true(calls > 4);
  const char *only = getenv("TORTURE_AT");
  uint64_t first = only ? strtoull(only, NULL, 10) : 1, last = only ? first : calls;
  for (uint64_t at = first; at <= last; at++) {
    printf("TORTURE_SCENARIO='%s' TORTURE_AT=%llu of %llu\r", scenario->name,
           (unsigned long long)at, (unsigned long long)calls);
    (void)torture(scenario, at);
  }
  printf("%-24s %llu allocations refused in turn%20s\n", scenario->name, (unsigned long long)calls,
         "");
}

int main(void) {
  torture_init();
  struct CMUnitTest tests[SCENARIOS];
  const char *only = getenv("TORTURE_SCENARIO");
  size_t count = 0;
  for (size_t i = 0; i < SCENARIOS; i++)
    if (!only || strcmp(only, scenarios[i].name) == 0)
      tests[count++] = (struct CMUnitTest){.name = scenarios[i].name,
                                           .test_func = test_scenario,
                                           .initial_state = (void *)(uintptr_t)&scenarios[i]};
  return _cmocka_run_group_tests("torture", tests, count, NULL, NULL);
}
