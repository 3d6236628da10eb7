/*
 * tunnel/access.h - who may use the tunnel: clients with a certificate of --client-ca, or with one of the tokens.
 * With neither option everybody may.
 */
#ifndef WEIR_TOOLS_TUNNEL_ACCESS_H
#define WEIR_TOOLS_TUNNEL_ACCESS_H

#include "engine/http/stream.h"
#include "tools/tunnel/limits.h"

struct tunnel_access {
  const char *tokens[TUNNEL_TOKENS_MAX]; /* kept */
  unsigned token_count;
  unsigned token_seconds; /* after the start they have expired; 0: never */
  bool certificates;      /* --client-ca was given */
};

enum tunnel_admission { ADMITTED, NO_TOKEN, TOKEN_WRONG, TOKEN_EXPIRED };

/* `age_ns`: since the start. */
enum tunnel_admission access_check(const struct tunnel_access *access,
                                   const struct machine_peer *peer, const struct headers *fields,
                                   uint64_t age_ns);

/* The message of a 401; not for ADMITTED. Static text. */
const char *access_message(enum tunnel_admission admission);

#endif
