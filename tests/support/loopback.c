/*
 * support/loopback.c - a client engine and a server engine in one process, without sockets.
 */
#include "tests/support/loopback.h"

#include <assert.h>

enum { SPANS = 16 };
#define STEP_NS (100 * MILLISECOND_NS)

const struct machine_peer loopback_peer = {.application_protocol = "h2", .secure = true};

void loopback_open(struct loopback *loop, const struct handler *handler,
                   const struct engine_config *config) {
  struct engine_config defaults = engine_config_default();
  *loop = (struct loopback){.now_ns = 1000 * SECOND_NS};
  const struct memory *memory = counted_init(&loop->memory);
  if (!config) config = &defaults;
  bool ok = engine_init(&loop->server_engine, memory, config, handler) &&
            engine_init(&loop->client_engine, memory, config, NULL);
  engine_set_date(&loop->server_engine, 784111777);
  ok = ok &&
       h2_server(&loop->server_engine.h2, &loopback_peer, NULL, loop->now_ns, &loop->server) &&
       h2_client(&loop->client_engine.h2, &loopback_peer, NULL, loop->now_ns, &loop->client);
  assert(ok);
  (void)ok;
}

void loopback_close(struct loopback *loop) {
  loop->client.ops->close(loop->client.self);
  loop->server.ops->close(loop->server.self);
  engine_destroy(&loop->client_engine);
  engine_destroy(&loop->server_engine);
  assert(loop->memory.count == 0);
  assert(loop->memory.bytes == 0);
}

void loopback_deliver(struct loopback *loop, struct machine *to, struct span bytes) {
  while (bytes.len > 0) {
    size_t piece =
        loop->piece_bytes && loop->piece_bytes < bytes.len ? loop->piece_bytes : bytes.len;
    size_t took = to->ops->recv(to->self, span_of(bytes.base, piece), loop->now_ns);
    assert(took <= piece);
    if (took == 0) break;
    bytes = span_of(bytes.base + took, bytes.len - took);
  }
}

bool loopback_move(struct loopback *loop, struct machine *from, struct machine *to) {
  struct span spans[SPANS];
  if (!(from->ops->wants(from->self) & MACHINE_SEND)) return false;
  size_t count = from->ops->send_peek(from->self, spans, SPANS, 64 * KIB, loop->now_ns);
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    loopback_deliver(loop, to, spans[i]);
    bytes += spans[i].len;
  }
  if (bytes) from->ops->send_ack(from->self, bytes, loop->now_ns);
  loop->moved += bytes;
  return bytes > 0;
}

void loopback_run(struct loopback *loop) {
  bool moved = true;
  while (moved) {
    moved = loopback_move(loop, &loop->client, &loop->server);
    moved |= loopback_move(loop, &loop->server, &loop->client);
  }
}

void loopback_tick(struct loopback *loop, struct machine *machine) {
  if (machine->ops->deadline_ns(machine->self) <= loop->now_ns)
    machine->ops->tick(machine->self, loop->now_ns);
}

void loopback_advance(struct loopback *loop, uint64_t ns) {
  uint64_t end = loop->now_ns + ns;
  while (loop->now_ns < end) {
    loop->now_ns += end - loop->now_ns < STEP_NS ? end - loop->now_ns : STEP_NS;
    loopback_tick(loop, &loop->client);
    loopback_tick(loop, &loop->server);
    loopback_run(loop);
  }
}
