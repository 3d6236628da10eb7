/*
 * serve/rules/rates.h - one worker's limits on its clients: it looks up accounts (serve/rules/rate.h) and open connections
 * (serve/rules/client_links.h), tells of clients that ask too much, and refuses their connections.
 *
 * A line is written for the first refusal of each burst, and at most RATE_LINES_PER_SECOND_MAX in a second: a flood
 * from many addresses fills no disk.
 */
#ifndef WEIR_TOOLS_SERVE_RULES_RATES_H
#define WEIR_TOOLS_SERVE_RULES_RATES_H

#include "engine/base/machine.h"
#include "tools/serve/rules/client_links.h"
#include "tools/serve/rules/rate.h"

struct rates {
  struct rate_table table;
  struct client_links links;
  struct machine_end end; /* of counted connections */
  uint64_t second;        /* in which lines were told last */
  unsigned lines;         /* that were told in it */
  uint64_t untold;        /* bursts since the last line about these */
  /* Of the configuration in force. */
  const struct rate_limit *connections; /* NULL: none */
  uint32_t links_max;                   /* that a client may have open; 0: any number */
};

/* What a table is for. */
enum rates_table { RATES_ACCOUNTS, RATES_LINKS };

/* Opens the table, if it is not open. False when memory is refused. Keeps `memory`. */
__attribute__((warn_unused_result)) bool rates_open(struct rates *rates, enum rates_table which,
                                                    const struct memory *memory);
void rates_close(struct rates *rates);

/* A client makes a request. 0: it is allowed; else the seconds that its 429 asks it to wait. */
unsigned rates_request(struct rates *rates, const struct rate_limit *limit,
                       const uint8_t address[16], uint64_t now_ns);

/* For one listener: refuses the connections of clients that make too many, or have too many open, before TLS and
 * without a byte. Connections that are open when that limit begins are not counted. */
struct rate_gate {
  struct rates *rates; /* kept; they have the limit */
  struct machine_factory inner;
};

/* `gate` must outlive the factory. */
struct machine_factory rate_gate_machines(struct rate_gate *gate);

#endif
