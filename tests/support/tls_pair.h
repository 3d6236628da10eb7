/*
 * support/tls_pair.h - a TLS client machine and a TLS server machine joined by two byte pipes, no sockets.
 *
 * The inner machine of both is an `end`: it sends a pattern of a chosen length in spans of random
 * sizes, checks that what it receives is that pattern, and can be told to take no more than so
 * much.
 */
#ifndef WEIR_TESTS_TLS_PAIR_H
#define WEIR_TESTS_TLS_PAIR_H

#include <stdlib.h>
#include <string.h>

#include "io/tls/tls.h"

/* ---- randomness that a seed replays ---------------------------------------------------------- */

static inline uint64_t tls_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static inline size_t tls_random_to(uint64_t *state, size_t max) {
  return (size_t)(tls_random(state) % max) + 1;
}

/* ---- the inner machine ----------------------------------------------------------------------- */

struct end {
  struct machine_host *host;
  struct machine_peer peer;
  char protocol[32];
  bool created, closed, drained, eof, done;
  bool refuse;         /* create() returns false */
  uint64_t send_total; /* pattern bytes to send in all */
  uint64_t sent;       /* acked */
  uint64_t received;
  uint64_t receive_max; /* takes no more than this */
  uint64_t wrong;       /* received bytes that were not the pattern */
  size_t span_bytes;    /* 0: random sizes; else spans of this size */
  uint64_t deadline_ns, ticks;
  uint64_t random;
  uint8_t window[65536 + 256]; /* the pattern, long enough for any offset modulo 256 */
};

static inline uint8_t end_pattern(uint64_t at) {
  return (uint8_t)(at * 167 + 13);
}

static inline void end_init(struct end *end, uint64_t send_total) {
  memset(end, 0, sizeof *end);
  end->send_total = send_total;
  end->receive_max = UINT64_MAX;
  end->deadline_ns = MACHINE_NO_DEADLINE;
  end->random = 88172645463325252ull;
  for (size_t i = 0; i < sizeof end->window; i++)
    end->window[i] = end_pattern(i);
}

static size_t end_recv(void *self, struct span in, uint64_t now_ns) {
  struct end *end = self;
  (void)now_ns;
  size_t take = in.len;
  if (take > end->receive_max - end->received) take = (size_t)(end->receive_max - end->received);
  for (size_t i = 0; i < take; i++)
    end->wrong += in.base[i] != end_pattern(end->received + i);
  end->received += take;
  return take;
}

static void end_recv_eof(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->eof = true;
}

static size_t end_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                            uint64_t now_ns) {
  struct end *end = self;
  (void)now_ns;
  size_t count = 0;
  uint64_t at = end->sent;
  while (count < max && at < end->send_total && at - end->sent < budget_bytes) {
    size_t len = end->span_bytes ? end->span_bytes : tls_random_to(&end->random, 20000);
    if (len > end->send_total - at) len = (size_t)(end->send_total - at);
    out[count++] = span_of(end->window + at % 256, len);
    at += len;
  }
  return count;
}

static void end_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->sent += bytes;
}

static void end_tick(void *self, uint64_t now_ns) {
  struct end *end = self;
  (void)now_ns;
  end->ticks++;
  end->deadline_ns = MACHINE_NO_DEADLINE;
}

static uint64_t end_deadline_ns(const void *self) {
  return ((const struct end *)self)->deadline_ns;
}

static unsigned end_wants(const void *self) {
  const struct end *end = self;
  unsigned wants = end->received < end->receive_max ? MACHINE_RECV : 0;
  if (end->sent < end->send_total) return wants | MACHINE_SEND;
  return end->done ? MACHINE_DONE : wants;
}

static void end_drain(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->drained = true;
}

static void end_close(void *self) {
  ((struct end *)self)->closed = true;
}

static const struct machine_ops end_ops = {
    .recv = end_recv,
    .recv_eof = end_recv_eof,
    .send_peek = end_send_peek,
    .send_ack = end_send_ack,
    .tick = end_tick,
    .deadline_ns = end_deadline_ns,
    .wants = end_wants,
    .drain = end_drain,
    .close = end_close,
};

static inline bool end_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                              uint64_t now_ns, struct machine *out) {
  struct end *end = ctx;
  (void)now_ns;
  if (end->refuse) return false;
  end->created = true;
  end->host = host;
  end->peer = *peer;
  strncpy(end->protocol, peer->application_protocol, sizeof end->protocol - 1);
  *out = (struct machine){.ops = &end_ops, .self = end};
  return true;
}

/* ---- the pipes ------------------------------------------------------------------------------- */

struct pipe {
  uint8_t *base;
  size_t begin, end, capacity;
  uint64_t total;
};

static inline void pipe_put(struct pipe *pipe, const uint8_t *bytes, size_t len) {
  if (pipe->end + len > pipe->capacity) {
    if (pipe->begin > 0) memmove(pipe->base, pipe->base + pipe->begin, pipe->end - pipe->begin);
    pipe->end -= pipe->begin;
    pipe->begin = 0;
    if (pipe->end + len > pipe->capacity)
      pipe->base = realloc(pipe->base, pipe->capacity = 2 * (pipe->end + len));
  }
  memcpy(pipe->base + pipe->end, bytes, len);
  pipe->end += len;
  pipe->total += len;
}

/* One direction's step: at most `cut` bytes out of one machine, at most `cut` into the other.
 * Returns whether anything moved. */
static inline bool pipe_step(struct pipe *pipe, struct machine *from, struct machine *to,
                             size_t cut, size_t budget_bytes, uint64_t now_ns) {
  bool moved = false;
  if (from->ops && (from->ops->wants(from->self) & MACHINE_SEND)) {
    struct span spans[4];
    size_t count = from->ops->send_peek(from->self, spans, 4, budget_bytes, now_ns);
    if (count > 0) {
      size_t len = spans[0].len < cut ? spans[0].len : cut;
      pipe_put(pipe, spans[0].base, len);
      from->ops->send_ack(from->self, len, now_ns);
      moved = true;
    }
  }
  if (to->ops && pipe->end > pipe->begin && (to->ops->wants(to->self) & MACHINE_RECV)) {
    size_t len = pipe->end - pipe->begin < cut ? pipe->end - pipe->begin : cut;
    /* An exact heap copy, so that the sanitizer sees any read beyond it. */
    uint8_t *copy = malloc(len);
    memcpy(copy, pipe->base + pipe->begin, len);
    size_t taken = to->ops->recv(to->self, span_of(copy, len), now_ns);
    free(copy);
    pipe->begin += taken;
    moved = moved || taken > 0;
  }
  return moved;
}

#endif
