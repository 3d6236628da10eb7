/*
 * serve/rules/rate.h - how often a client may do something: requests, connections.
 *
 * GCRA, the generic cell rate algorithm (ITU-T I.371): an account is the time until which what the client did is
 * paid for at the allowed rate. An event is allowed while that lies no further ahead than the burst, and moves it
 * on by one interval. What is refused costs nothing, so a client that goes on too fast still gets the rate.
 *
 * A client is what serve/rules/client.h says; a local one is not limited.
 *
 * A table belongs to one core and holds RATE_ACCOUNTS_MAX accounts, in sets of RATE_WAYS. When a set is full, the account
 * that is paid for soonest goes: it matters least. So a crowd of new addresses drives out those that asked little,
 * not those that ask too much. Cores share nothing: a client with connections on several has the rate on each.
 *
 * A burst is told once: in the first verdict that refuses, and not again until the account is paid off.
 */
#ifndef WEIR_TOOLS_SERVE_RULES_RATE_H
#define WEIR_TOOLS_SERVE_RULES_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/memory.h"
#include "tools/serve/limits.h"
#include "tools/serve/rules/client.h"

struct rate_limit {
  uint64_t interval_ns; /* of one event at the rate; 0: no limit */
  uint64_t burst;       /* events that may come at once; at least 1 */
  const char *text;     /* as it was written, for messages */
  uint32_t number;      /* accounts of different numbers are apart */
};

/* Parses RATE or RATE,burst=N, as in 100/s, 30/m or 100/s,burst=500. Without it, the burst is what the rate gives
 * in a second, and at least 1. Keeps `text`. NULL, or what was expected. */
const char *rate_limit_parse(struct rate_limit *limit, const char *text);

/* The worker writes them; readers use counter_get(). */
struct rate_counters {
  uint64_t refused; /* events */
  uint64_t bursts;  /* that they came in */
  uint64_t evicted; /* accounts that were not paid off */
  /* Of serve/rules/rates.h, which counts what it refuses above, too. */
  uint64_t uncounted; /* connections whose client was not counted */
};

struct rate_table {
  struct rate_account *accounts; /* NULL: not open */
  const struct memory *memory;
  struct client_seed seed;
  struct rate_counters counters;
};

struct rate_verdict {
  bool allowed;
  bool first;       /* refused, and the first of its burst */
  uint64_t wait_ns; /* refused: after which the next one is allowed */
};

/* False when memory is refused, or randomness. Keeps `memory`. */
__attribute__((warn_unused_result)) bool rate_table_open(struct rate_table *table,
                                                         const struct memory *memory);

/* Does nothing with a table that is not open. */
void rate_table_close(struct rate_table *table);

/* The client does it now. `now_ns` never goes back. */
__attribute__((warn_unused_result)) struct rate_verdict rate_take(struct rate_table *table,
                                                                  const struct rate_limit *limit,
                                                                  const uint8_t address[16],
                                                                  uint64_t now_ns);

#endif
