/*
 * serve/rules/client.h - who counts as one client: an IPv4 address, or the /64 of an IPv6 address, since one customer
 * has a whole /64 or more. A client without an address, over a UNIX socket, is local.
 */
#ifndef WEIR_TOOLS_SERVE_RULES_CLIENT_H
#define WEIR_TOOLS_SERVE_RULES_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/serve/rules/network.h"

/* A table's secret: nobody can choose addresses that fall into a victim's set. */
struct client_seed {
  uint64_t at[2];
};

/* False when randomness is refused. */
__attribute__((warn_unused_result)) bool client_seed_make(struct client_seed *seed);

__attribute__((warn_unused_result)) bool client_is_local(const uint8_t address[16]);

/* Of the client and of `number`. */
uint64_t client_hash(const struct client_seed *seed, uint32_t number, const uint8_t address[16]);

/* Writes "192.0.2.7" or "2001:db8::/64"; returns `out`. */
const char *client_format(const uint8_t address[16], char out[NETWORK_TEXT_BYTES]);

#endif
