/*
 * support/loopback.h - a client engine and a server engine in one process, no sockets. For tests.
 *
 * Memory goes through a counting allocator that can be told to refuse, so that a test ends with
 * loopback_close() proving that nothing leaked. Time moves only by loopback_advance().
 */
#ifndef WEIR_TEST_LOOPBACK_H
#define WEIR_TEST_LOOPBACK_H

#include "engine/conn.h"
#include "engine/h2/h2.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct counted_memory {
  struct memory memory;
  size_t bytes, count; /* allocated now */
  size_t bytes_max;
  uint64_t calls;
  uint64_t refuse_at; /* refuse the n-th call from the beginning, 0: none */
};

static inline void *counted_alloc(void *ctx, size_t bytes) {
  struct counted_memory *counted = ctx;
  if (++counted->calls == counted->refuse_at) return NULL;
  void *object = malloc(bytes);
  assert(object);
  memset(object, 0xa5, bytes);
  counted->bytes += bytes;
  counted->count++;
  if (counted->bytes > counted->bytes_max) counted->bytes_max = counted->bytes;
  return object;
}

static inline void counted_free(void *ctx, void *object, size_t bytes) {
  struct counted_memory *counted = ctx;
  counted->bytes -= bytes;
  counted->count--;
  free(object);
}

static inline void counted_init(struct counted_memory *counted) {
  *counted = (struct counted_memory){
      .memory = {.ctx = counted, .alloc = counted_alloc, .free = counted_free}};
}

struct loopback {
  struct counted_memory memory;
  struct engine client_engine, server_engine;
  struct machine client, server;
  uint64_t now_ns;
  size_t piece_bytes; /* most bytes per recv; 0: as they come */
  uint64_t moved;     /* bytes, both directions */
};

static const struct machine_peer loopback_peer = {.application_protocol = "h2", .secure = true};

static inline void loopback_open(struct loopback *loop, const struct handler *handler,
                                 const struct engine_config *config) {
  struct engine_config defaults = engine_config_default();
  *loop = (struct loopback){.now_ns = 1000 * SECOND_NS};
  counted_init(&loop->memory);
  if (!config) config = &defaults;
  bool ok = engine_init(&loop->server_engine, &loop->memory.memory, config, handler) &&
            engine_init(&loop->client_engine, &loop->memory.memory, config, NULL);
  engine_set_date(&loop->server_engine, 784111777);
  ok = ok && h2_server(&loop->server_engine, &loopback_peer, NULL, loop->now_ns, &loop->server) &&
       h2_client(&loop->client_engine, &loopback_peer, NULL, loop->now_ns, &loop->client);
  assert(ok);
  (void)ok;
}

static inline void deliver_pieces(struct loopback *loop, struct machine *to, struct span bytes) {
  while (bytes.len > 0) {
    size_t piece =
        loop->piece_bytes && loop->piece_bytes < bytes.len ? loop->piece_bytes : bytes.len;
    size_t took = to->ops->recv(to->self, span_of(bytes.base, piece), loop->now_ns);
    assert(took <= piece);
    if (took == 0) break; /* it reads no more: the rest is lost, as with a reset */
    bytes = span_of(bytes.base + took, bytes.len - took);
  }
}

/* Moves what `from` has to send; false when that was nothing. */
static inline bool loopback_move(struct loopback *loop, struct machine *from, struct machine *to) {
  struct span spans[16];
  if (!(from->ops->wants(from->self) & MACHINE_SEND)) return false;
  size_t count = from->ops->send_peek(from->self, spans, 16, 64 * KIB, loop->now_ns);
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    deliver_pieces(loop, to, spans[i]);
    bytes += spans[i].len;
  }
  if (bytes) from->ops->send_ack(from->self, bytes, loop->now_ns);
  loop->moved += bytes;
  return bytes > 0;
}

/* Until neither side has anything to say. */
static inline void loopback_run(struct loopback *loop) {
  bool moved = true;
  while (moved) {
    moved = loopback_move(loop, &loop->client, &loop->server);
    moved |= loopback_move(loop, &loop->server, &loop->client);
  }
}

static inline void loopback_tick(struct loopback *loop, struct machine *machine) {
  if (machine->ops->deadline_ns(machine->self) <= loop->now_ns)
    machine->ops->tick(machine->self, loop->now_ns);
}

/* Lets time pass, in steps that meet every deadline. */
static inline void loopback_advance(struct loopback *loop, uint64_t ns) {
  uint64_t end = loop->now_ns + ns;
  while (loop->now_ns < end) {
    uint64_t step =
        end - loop->now_ns < 100 * MILLISECOND_NS ? end - loop->now_ns : 100 * MILLISECOND_NS;
    loop->now_ns += step;
    loopback_tick(loop, &loop->client);
    loopback_tick(loop, &loop->server);
    loopback_run(loop);
  }
}

/* Frees everything; asserts that nothing leaked. */
static inline void loopback_close(struct loopback *loop) {
  loop->client.ops->close(loop->client.self);
  loop->server.ops->close(loop->server.self);
  engine_destroy(&loop->client_engine);
  engine_destroy(&loop->server_engine);
  assert(loop->memory.count == 0);
  assert(loop->memory.bytes == 0);
}

#endif
