/*
 * tls/facts.h - what a handshake has agreed on.
 */
#ifndef WEIR_TLS_FACTS_H
#define WEIR_TLS_FACTS_H

#include <stdbool.h>

struct ssl_st;

/* Texts that live as long as the connection's SSL_CTX. */
struct tls_facts {
  const char *version; /* "TLSv1.3" */
  const char *cipher;
  const char *group; /* of the key exchange; "" for none */
  bool resumed;      /* with a ticket */
};

/* Of a connection whose handshake is complete. */
struct tls_facts tls_facts_read(struct ssl_st *ssl);

#endif
