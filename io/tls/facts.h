/*
 * tls/facts.h - what a handshake has agreed on.
 */
#ifndef WEIR_TLS_FACTS_H
#define WEIR_TLS_FACTS_H

#include "engine/base/machine.h"

/* Static texts of OpenSSL's. */
struct tls_facts {
  const char *version; /* "TLSv1.3" */
  const char *cipher;
  const char *group; /* of the key exchange; "" for none */
  bool resumed;      /* with a ticket */
};

/* The facts of a machine of a tls factory (asserted) whose handshake is complete (asserted): from the
 * inner machine's create() on. */
struct tls_facts tls_facts_of(const struct machine *machine);

#endif
