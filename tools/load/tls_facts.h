/*
 * load/tls_facts.h - what the handshakes agreed on: version, cipher, group and protocol.
 *
 * Connections to one server mostly agree on the same. The facts of the first are kept; others are
 * counted. Owner: embedded in the statistics; one writer.
 */
#ifndef WEIR_LOAD_TLS_FACTS_H
#define WEIR_LOAD_TLS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

struct load_tls_facts {
  char version[16], cipher[48], group[32]; /* "" in clear text, and for none */
  char alpn[16];                           /* the protocol that is spoken, also in clear text */
  uint64_t connections;                    /* that were opened */
  uint64_t resumed;                        /* handshakes with a ticket */
  uint64_t others;                         /* connections with other facts */
};

/* Adds a connection with these facts. `from` has one connection, or is the sum of a worker. */
void load_tls_facts_add(struct load_tls_facts *facts, const struct load_tls_facts *from);

#endif
