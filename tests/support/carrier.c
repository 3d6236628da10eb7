/*
 * support/carrier.c - see support/carrier.h.
 */
#include "tests/support/carrier.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/h1/ask.h"
#include "engine/h1/h1.h"
#include "engine/h2/h2.h"
#include "engine/h2/request.h"
#include "tests/support/cmocka.h"

enum { MORE_MAX = 8, STEPS_MAX = 3000000 };

static void wake(struct machine_host *host) {
  (void)host;
}

static void side_begin(struct carrier *carrier, struct carrier_side *side,
                       const struct handler *handler) {
  struct engine_config config = engine_config_default();
  memset(side, 0, sizeof *side);
  side->host.wake = wake;
  side->sent.vaults = carrier->vaults;
  config.clock_ns = &carrier->now_ns;
  (void)counted_init(&side->memory);
  assert_true(engine_init(&side->engine, &side->memory.memory, &config, handler));
}

void carrier_begin(struct carrier *carrier, bool http1, size_t cut, const struct handler *handler) {
  static struct machine_vault vault; /* nothing is held */
  struct carrier_side *client = &carrier->client, *server = &carrier->server;
  struct machine_peer peer = {.application_protocol = http1 ? "http/1.1" : "h2", .secure = true};
  if (carrier->vaults) peer.vault = &vault;
  carrier->http1 = http1;
  carrier->cut = cut;
  carrier->now_ns = SECOND_NS;
  side_begin(carrier, client, handler);
  side_begin(carrier, server, handler);
  uint64_t now_ns = carrier->now_ns;
  if (http1) {
    assert_true(h1_client(&client->engine.h1, &peer, &client->host, now_ns, &client->machine));
    assert_true(h1_server(&server->engine.h1, &peer, &server->host, now_ns, &server->machine));
  } else {
    assert_true(h2_client(&client->engine.h2, &peer, &client->host, now_ns, &client->machine));
    assert_true(h2_server(&server->engine.h2, &peer, &server->host, now_ns, &server->machine));
  }
}

static bool has_ended(const struct carrier_side *side) {
  return side->machine.ops->wants(side->machine.self) & (MACHINE_DONE | MACHINE_ENDED);
}

/* What a host does when a machine's direction has ended: the other one reads the end. */
static bool hang_up(struct carrier *carrier, struct carrier_side *from, struct carrier_side *to) {
  if (from->told || from->sent.begin < from->sent.end || !has_ended(from)) return false;
  from->told = true;
  to->machine.ops->recv_eof(to->machine.self, carrier->now_ns);
  return true;
}

static void tick(struct carrier *carrier, struct carrier_side *side) {
  const struct machine *machine = &side->machine;
  if (machine->ops->deadline_ns(machine->self) <= carrier->now_ns)
    machine->ops->tick(machine->self, carrier->now_ns);
}

/* Whether anything moved. */
static bool step(struct carrier *carrier) {
  struct carrier_side *client = &carrier->client, *server = &carrier->server;
  tick(carrier, client);
  tick(carrier, server);
  bool moved = pipe_step(&client->sent, &client->machine, &server->machine, carrier->cut, 65536,
                         carrier->now_ns);
  moved |= pipe_step(&server->sent, &server->machine, &client->machine, carrier->cut, 65536,
                     carrier->now_ns);
  moved |= hang_up(carrier, client, server);
  return hang_up(carrier, server, client) || moved;
}

void carrier_run(struct carrier *carrier, bool (*is_over)(void)) {
  for (unsigned steps = 0; !is_over(); steps++) {
    assert_true(steps < STEPS_MAX);
    if (!step(carrier)) carrier->now_ns += MILLISECOND_NS;
  }
}

void carrier_calm(struct carrier *carrier) {
  unsigned steps = 0;
  while (step(carrier))
    assert_true(steps++ < STEPS_MAX);
}

void carrier_settle(struct carrier *carrier) {
  if (!carrier->http1) carrier_calm(carrier);
}

struct stream *carrier_ask(struct carrier *carrier, const char *protocol, const struct header *more,
                           size_t more_count, struct body body, const struct stream_events *events,
                           void *user) {
  struct header fields[5 + MORE_MAX] = {
      header_of(TOKEN_METHOD, span_text("CONNECT")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/")),
      header_of(TOKEN_PROTOCOL, span_text(protocol))};
  struct machine *machine = &carrier->client.machine;
  assert_true(more_count <= MORE_MAX);
  for (size_t i = 0; i < more_count; i++)
    fields[5 + i] = more[i];
  if (carrier->http1) return h1_request(h1_of(machine), fields, 5 + more_count, body, events, user);
  return h2_request(h2_of(machine), fields, 5 + more_count, body, events, user);
}

static void side_end(struct carrier_side *side) {
  side->machine.ops->close(side->machine.self);
  engine_destroy(&side->engine);
  assert_int_equal(side->memory.bytes, 0);
  free(side->sent.base);
}

void carrier_end(struct carrier *carrier) {
  side_end(&carrier->client);
  side_end(&carrier->server);
}
