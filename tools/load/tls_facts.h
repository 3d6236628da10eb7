/*
 * load/tls_facts.h - what the handshakes agreed on: version, cipher, group and protocol.
 *
 * Connections to one server mostly agree on the same: that of the first is reported, and how many agreed on something
 * else. Owner: embedded in the statistics; one writer.
 */
#ifndef WEIR_LOAD_TLS_FACTS_H
#define WEIR_LOAD_TLS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/load/limits.h"

/* What connections agreed on. */
struct load_tls_kind {
  char version[16], cipher[48], group[32]; /* "" in clear text, and for none */
  char alpn[16];                           /* the protocol that is spoken, also in clear text */
  uint64_t connections;                    /* that did */
};

struct load_tls_facts {
  /* The first connection's first; "" in alpn: the end. */
  struct load_tls_kind kinds[LOAD_TLS_KINDS_MAX];
  uint64_t connections; /* that were opened */
  uint64_t resumed;     /* handshakes with a ticket */
};

/* Adds the connections of `kind`, of which `resumed` had a ticket. */
void load_tls_facts_note(struct load_tls_facts *facts, const struct load_tls_kind *kind,
                         uint64_t resumed);

/* Adds a worker's. */
void load_tls_facts_add(struct load_tls_facts *facts, const struct load_tls_facts *from);

/* Connections that agreed on something else than the first. */
static inline uint64_t load_tls_facts_others(const struct load_tls_facts *facts) {
  return facts->connections - facts->kinds[0].connections;
}

#endif
