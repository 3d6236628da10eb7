/*
 * support/end.c - the machine at an end of a connection.
 */
#include "tests/support/end.h"

#include <string.h>

uint8_t end_pattern(uint64_t at) {
  return (uint8_t)(at * 167 + 13);
}

struct span end_vaulted(uint64_t at, size_t len) {
  return span_of((const uint8_t *)(uintptr_t)(UINT64_C(1) << 63 | at), len);
}

uint64_t end_seen(struct span vaulted) {
  return (uint64_t)(uintptr_t)vaulted.base & ~(UINT64_C(1) << 63);
}

void end_init(struct end *end, uint64_t send_total) {
  memset(end, 0, sizeof *end);
  end->send_total = send_total;
  end->receive_max = UINT64_MAX;
  end->deadline_ns = MACHINE_NO_DEADLINE;
  end->random.state = 1;
  for (size_t i = 0; i < sizeof end->window; i++)
    end->window[i] = end_pattern(i);
}

static size_t recv(void *self, struct span in, uint64_t now_ns) {
  struct end *end = self;
  (void)now_ns;
  size_t take = in.len;
  if (take > end->receive_max - end->received) take = (size_t)(end->receive_max - end->received);
  if (span_is_vaulted(in)) end->vaulted += take;
  for (size_t i = 0; i < take && !span_is_vaulted(in); i++)
    end->wrong += in.base[i] != end_pattern(end->received + i);
  end->received += take;
  return take;
}

static size_t takes_vaulted(const void *self) {
  const struct end *end = self;
  return end->vaults ? end->receive_max - end->received : 0;
}

static uint32_t *send_loans(const void *self, size_t which) {
  (void)which;
  struct end *end = (struct end *)(uintptr_t)self;
  return end->vaults ? &end->loans : NULL;
}

static void recv_eof(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->eof = true;
}

static size_t send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                        uint64_t now_ns) {
  struct end *end = self;
  (void)now_ns;
  size_t count = 0;
  uint64_t at = end->sent;
  while (count < max && at < end->send_total && at - end->sent < budget_bytes) {
    size_t len = end->span_bytes ? end->span_bytes : 1 + random_below(&end->random, 20000);
    if (len > end->send_total - at) len = (size_t)(end->send_total - at);
    bool vaults = end->vaults && end->peer.vault;
    out[count++] = vaults ? end_vaulted(at, len) : span_of(end->window + at % 256, len);
    at += len;
  }
  return count;
}

static void send_ack(void *self, size_t bytes, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->sent += bytes;
}

static void tick(void *self, uint64_t now_ns) {
  struct end *end = self;
  (void)now_ns;
  end->ticks++;
  end->deadline_ns = MACHINE_NO_DEADLINE;
}

static uint64_t deadline_ns(const void *self) {
  return ((const struct end *)self)->deadline_ns;
}

static unsigned wants(const void *self) {
  const struct end *end = self;
  if (end->reset) return MACHINE_RESET;
  unsigned wants = end->received < end->receive_max ? MACHINE_RECV : 0;
  if (end->sent < end->send_total) return wants | MACHINE_SEND;
  if (end->ended) wants |= MACHINE_ENDED;
  return end->done ? MACHINE_DONE : wants;
}

static void drain(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->drained = true;
}

static void close(void *self) {
  ((struct end *)self)->closed = true;
}

static const struct machine_ops ops = {
    .recv = recv,
    .takes_vaulted = takes_vaulted,
    .send_loans = send_loans,
    .recv_eof = recv_eof,
    .send_peek = send_peek,
    .send_ack = send_ack,
    .tick = tick,
    .deadline_ns = deadline_ns,
    .wants = wants,
    .drain = drain,
    .close = close,
};

bool end_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                uint64_t now_ns, struct machine *out) {
  struct end *end = ctx;
  (void)now_ns;
  if (end->refuse) return false;
  end->created = true;
  end->host = host;
  end->peer = *peer;
  strncpy(end->protocol, peer->application_protocol, sizeof end->protocol - 1);
  *out = (struct machine){.ops = &ops, .self = end};
  return true;
}
