/*
 * serve/rules/rates.c - see serve/rules/rates.h.
 */
#include "tools/serve/rules/rates.h"

#include <unistd.h>

#include "engine/base/limits.h"
#include "tools/common/output.h"
#include "tools/serve/rules/network.h"

bool rates_open(struct rates *rates, const struct memory *memory) {
  return rates->table.accounts || rate_table_open(&rates->table, memory);
}

void rates_close(struct rates *rates) {
  rate_table_close(&rates->table);
}

/* Whether one more line may be written in this second. */
static bool may_tell(struct rates *rates, uint64_t now_ns) {
  uint64_t second = now_ns / SECOND_NS;
  if (second != rates->second) rates->lines = 0;
  rates->second = second;
  if (rates->lines < RATE_LINES_PER_SECOND_MAX) return ++rates->lines;
  rates->untold++;
  return false;
}

/* The client as accounts know it: an IPv4 address, or the /64 of an IPv6 address. */
static void tell(struct rates *rates, const struct rate_limit *limit, const uint8_t address[16],
                 const char *what, uint64_t now_ns) {
  char client[NETWORK_TEXT_BYTES];
  struct network network = network_of(address, 128);
  if (!may_tell(rates, now_ns)) return;
  if (!network_is_ipv4(&network)) network = network_of(address, RATE_IPV6_BITS);
  if (rates->untold > 0)
    output_say(STDERR_FILENO, "weir serve: %llu more clients were too fast",
               (unsigned long long)rates->untold);
  rates->untold = 0;
  output_say(STDERR_FILENO, "weir serve: %s from %s come faster than %s; some are refused", what,
             network_format(&network, client), limit->text);
}

unsigned rates_request(struct rates *rates, const struct rate_limit *limit,
                       const uint8_t address[16], uint64_t now_ns) {
  struct rate_verdict verdict = rate_take(&rates->table, limit, address, now_ns);
  if (verdict.allowed) return 0;
  if (verdict.first) tell(rates, limit, address, "requests", now_ns);
  return (unsigned)((verdict.wait_ns + SECOND_NS - 1) / SECOND_NS);
}

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  struct rate_gate *gate = ctx;
  struct rates *rates = gate->rates;
  const struct rate_limit *limit = rates->connections;
  struct rate_verdict verdict = {.allowed = true};
  if (limit) verdict = rate_take(&rates->table, limit, peer->address, now_ns);
  if (verdict.allowed) return gate->inner.create(gate->inner.ctx, peer, host, now_ns, out);
  if (verdict.first) tell(rates, limit, peer->address, "connections", now_ns);
  return false;
}

struct machine_factory rate_gate_machines(struct rate_gate *gate) {
  return (struct machine_factory){.ctx = gate, .create = create};
}
