/*
 * serve/rules/rates.c - see serve/rules/rates.h.
 */
#include "tools/serve/rules/rates.h"

#include <unistd.h>

#include "engine/base/limits.h"
#include "io/base/list.h"
#include "tools/common/output.h"

static void connection_ended(struct machine_end *end, uint32_t note) {
  client_links_ended(&LIST_OWNER(end, struct rates, end)->links, note);
}

bool rates_open(struct rates *rates, enum rates_table which, const struct memory *memory) {
  rates->end.ended = connection_ended;
  if (which == RATES_ACCOUNTS)
    return rates->table.accounts || rate_table_open(&rates->table, memory);
  return rates->links.entries || client_links_open(&rates->links, memory);
}

void rates_close(struct rates *rates) {
  rate_table_close(&rates->table);
  client_links_close(&rates->links);
}

/* Whether one more line may be written in this second. */
static bool may_tell(struct rates *rates, uint64_t now_ns) {
  uint64_t second = now_ns / SECOND_NS;
  if (second != rates->second) rates->lines = 0;
  rates->second = second;
  if (rates->lines == RATE_LINES_PER_SECOND_MAX) {
    rates->untold++;
    return false;
  }
  rates->lines++;
  if (rates->untold > 0)
    output_say(STDERR_FILENO, "weir serve: %llu more clients were refused something",
               (unsigned long long)rates->untold);
  rates->untold = 0;
  return true;
}

static void tell_rate(struct rates *rates, const struct rate_limit *limit,
                      const uint8_t address[16], const char *what, uint64_t now_ns) {
  char client[NETWORK_TEXT_BYTES];
  if (may_tell(rates, now_ns))
    output_say(STDERR_FILENO, "weir serve: %s from %s come faster than %s; some are refused", what,
               client_format(address, client), limit->text);
}

static void tell_links(struct rates *rates, const uint8_t address[16], uint64_t now_ns) {
  char client[NETWORK_TEXT_BYTES];
  if (may_tell(rates, now_ns))
    output_say(STDERR_FILENO, "weir serve: %s has %u connections open; others are refused",
               client_format(address, client), rates->links_max);
}

unsigned rates_request(struct rates *rates, const struct rate_limit *limit,
                       const uint8_t address[16], uint64_t now_ns) {
  struct rate_verdict verdict = rate_take(&rates->table, limit, address, now_ns);
  if (verdict.allowed) return 0;
  if (verdict.first) tell_rate(rates, limit, address, "requests", now_ns);
  return (unsigned)((verdict.wait_ns + SECOND_NS - 1) / SECOND_NS);
}

/* ---- connections ----------------------------------------------------------------------------- */

/* Whether the client may have one more open. Counted: the host says when it is over. */
static bool count_link(struct rates *rates, const uint8_t address[16], struct machine_host *host,
                       uint64_t now_ns) {
  struct rate_counters *counters = &rates->table.counters;
  switch (client_links_begin(&rates->links, rates->links_max, address, &host->note)) {
  case CLIENT_LINKS_COUNTED: host->end = &rates->end; return true;
  case CLIENT_LINKS_LOCAL: return true;
  case CLIENT_LINKS_UNCOUNTED: counter_add(&counters->uncounted, 1); return true;
  case CLIENT_LINKS_REFUSED: break;
  case CLIENT_LINKS_REFUSED_NOW:
    counter_add(&counters->bursts, 1);
    tell_links(rates, address, now_ns);
    break;
  }
  counter_add(&counters->refused, 1);
  return false;
}

static bool is_slow_enough(struct rates *rates, const uint8_t address[16], uint64_t now_ns) {
  if (!rates->connections) return true;
  struct rate_verdict verdict = rate_take(&rates->table, rates->connections, address, now_ns);
  if (verdict.first) tell_rate(rates, rates->connections, address, "connections", now_ns);
  return verdict.allowed;
}

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  struct rate_gate *gate = ctx;
  struct rates *rates = gate->rates;
  if (rates->links_max > 0 && !count_link(rates, peer->address, host, now_ns)) return false;
  if (is_slow_enough(rates, peer->address, now_ns) &&
      gate->inner.create(gate->inner.ctx, peer, host, now_ns, out))
    return true;
  if (host->end) client_links_ended(&rates->links, host->note);
  host->end = NULL;
  return false;
}

struct machine_factory rate_gate_machines(struct rate_gate *gate) {
  return (struct machine_factory){.ctx = gate, .create = create};
}
