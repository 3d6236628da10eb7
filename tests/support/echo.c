/*
 * support/echo.c - a machine that sends back what it receives.
 */
#include "tests/support/echo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct echo {
  struct echo_world *world;
  struct machine_host *host;
  uint64_t head, tail, peeked; /* bytes acked, received, and shown by the last peek */
  uint64_t deadline_ns;
  unsigned ticks;
  bool eof, draining;
  uint32_t random;
  uint8_t ring[ECHO_BYTES];
};

uint8_t echo_byte(uint64_t index) {
  return (uint8_t)(index * 2654435761u >> 13 ^ index);
}

static size_t min(size_t a, size_t b) {
  return a < b ? a : b;
}

static bool has_ended(const struct echo *echo) {
  return echo->world->end_bytes && echo->head >= echo->world->end_bytes;
}

static size_t recv(void *self, struct span in, uint64_t now_ns) {
  struct echo *echo = self;
  (void)now_ns;
  counter_add(&echo->world->received, in.len);
  if (echo->world->talk_bytes || has_ended(echo)) return in.len;
  size_t taken = min(in.len, ECHO_BYTES - (echo->tail - echo->head));
  size_t at = echo->tail % ECHO_BYTES, first = min(taken, ECHO_BYTES - at);
  memcpy(echo->ring + at, in.base, first);
  memcpy(echo->ring, in.base + first, taken - first);
  echo->tail += taken;
  if (echo->tail - echo->head == ECHO_BYTES) counter_add(&echo->world->full, 1);
  return taken;
}

static void recv_eof(void *self, uint64_t now_ns) {
  struct echo *echo = self;
  (void)now_ns;
  assert(!echo->eof);
  echo->eof = true;
  counter_add(&echo->world->eofs, 1);
}

/* A source: fills the ring. */
static void talk(struct echo *echo) {
  uint64_t end = echo->world->talk_bytes;
  while (echo->tail < end && echo->tail - echo->head < ECHO_BYTES) {
    echo->ring[echo->tail % ECHO_BYTES] = echo_byte(echo->tail);
    echo->tail++;
  }
}

static size_t send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                        uint64_t now_ns) {
  struct echo *echo = self;
  (void)now_ns;
  if (echo->world->talk_bytes) talk(echo);
  uint64_t at = echo->head, end = echo->head + min(budget_bytes, echo->tail - echo->head);
  if (echo->world->end_bytes) end = min(end, echo->world->end_bytes);
  size_t count = 0;
  while (at < end && count < max) {
    echo->random = echo->random * 1664525 + 1013904223;
    size_t len = min(1 + echo->random % 9000, end - at);
    len = min(len, ECHO_BYTES - at % ECHO_BYTES);
    out[count++] = span_of(&echo->ring[at % ECHO_BYTES], len);
    at += len;
  }
  echo->peeked = at - echo->head;
  return count;
}

static void send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct echo *echo = self;
  (void)now_ns;
  assert(bytes <= echo->peeked);
  /* If the host still reads these bytes, it sends garbage, which the peer notices. */
  size_t at = echo->head % ECHO_BYTES, first = min(bytes, ECHO_BYTES - at);
  memset(echo->ring + at, 0xee, first);
  memset(echo->ring, 0xee, bytes - first);
  echo->peeked -= bytes;
  echo->head += bytes;
}

static void tick(void *self, uint64_t now_ns) {
  struct echo *echo = self;
  assert(now_ns >= echo->deadline_ns);
  echo->deadline_ns = MACHINE_NO_DEADLINE;
  counter_add(&echo->world->ticks, 1);
  if (++echo->ticks < echo->world->deaf_ticks) echo->deadline_ns = now_ns + echo->world->tick_ns;
  if (echo->world->deaf_ticks) return;
  echo->ring[echo->tail++ % ECHO_BYTES] = '!';
}

static uint64_t deadline_ns(const void *self) {
  return ((const struct echo *)self)->deadline_ns;
}

static unsigned wants_at_end(const struct echo *echo) {
  bool deaf = echo->ticks < echo->world->deaf_ticks;
  if (echo->eof) return MACHINE_DONE;
  return MACHINE_ENDED | (deaf ? 0u : MACHINE_RECV);
}

static unsigned wants(const void *self) {
  const struct echo *echo = self;
  uint64_t left = echo->tail - echo->head, reset_at = echo->world->reset_at;
  if (reset_at && echo->tail >= reset_at) return MACHINE_RESET;
  if (echo->world->talk_bytes)
    return echo->head < echo->world->talk_bytes ? MACHINE_RECV | MACHINE_SEND : MACHINE_DONE;
  if (has_ended(echo)) return wants_at_end(echo);
  unsigned wants = 0;
  if (left) wants |= MACHINE_SEND;
  if (left < ECHO_BYTES && !echo->eof) wants |= MACHINE_RECV;
  if (!left && (echo->eof || echo->draining)) wants |= MACHINE_DONE;
  return wants;
}

static void drain(void *self, uint64_t now_ns) {
  struct echo *echo = self;
  (void)now_ns;
  echo->draining = !echo->world->never_done;
  counter_add(&echo->world->drained, 1);
}

static uint64_t idle_since_ns(const void *self) {
  const struct echo *echo = self;
  return echo->world->idle ? 0 : MACHINE_BUSY;
}

static void destroy(void *self) {
  struct echo *echo = self;
  counter_add(&echo->world->closed, 1);
  free(echo);
}

bool echo_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                 uint64_t now_ns, struct machine *out) {
  static const struct machine_ops ops = {
      .recv = recv,
      .recv_eof = recv_eof,
      .send_peek = send_peek,
      .send_ack = send_ack,
      .tick = tick,
      .deadline_ns = deadline_ns,
      .wants = wants,
      .drain = drain,
      .idle_since_ns = idle_since_ns,
      .close = destroy,
  };
  struct echo_world *world = ctx;
  if (world->refuse) return false;
  struct echo *echo = malloc(sizeof *echo);
  if (!echo) return false;
  memset(echo, 0, offsetof(struct echo, ring));
  echo->world = world;
  echo->host = host;
  echo->deadline_ns = world->tick_ns ? now_ns + world->tick_ns : MACHINE_NO_DEADLINE;
  memcpy(world->peer_address, peer->address, sizeof world->peer_address);
  world->peer_port = peer->port;
  counter_add(&world->made, 1);
  *out = (struct machine){.ops = &ops, .self = echo};
  return true;
}
