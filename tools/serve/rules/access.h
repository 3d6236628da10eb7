/*
 * serve/rules/access.h - which clients a route answers, by their networks.
 *
 *     access: [deny 10.0.0.7, allow 10.0.0.0/8]
 *
 * The first rule whose network holds the client's address counts, as in nginx. An address that no rule holds is
 * refused if one of the rules allows, since then they say who may come; else it is let in. A client without an
 * address, over a UNIX socket, is local, and only `all` holds it.
 */
#ifndef WEIR_TOOLS_SERVE_RULES_ACCESS_H
#define WEIR_TOOLS_SERVE_RULES_ACCESS_H

#include "tools/serve/rules/network.h"

struct access_rule {
  struct network network;
  bool all; /* any address, and none */
  bool allow;
};

struct access_rules {
  struct access_rule at[SERVE_ACCESS_RULES_MAX];
  unsigned count;
  bool allows; /* one of them does */
};

/* Parses "allow NETWORK" or "deny NETWORK", where the network may be "all", and appends it. NULL, or what was
 * expected. */
const char *access_add(struct access_rules *rules, const char *text);

__attribute__((warn_unused_result)) bool access_allows(const struct access_rules *rules,
                                                       const uint8_t address[16]);

#endif
