/*
 * tls/facts.c - see tls/facts.h.
 */
#include "io/tls/facts.h"

#include <assert.h>

#include <openssl/ssl.h>

#include "io/tls/tls.h"

/* Of one curve OpenSSL knows several names; this is the one of its key exchanges. */
static const char *group_of(SSL *ssl) {
  int id = (int)SSL_get_negotiated_group(ssl);
  const char *name = id ? SSL_group_to_name(ssl, id) : NULL;
  return name ? name : "";
}

struct tls_facts tls_facts_of(const struct machine *machine) {
  SSL *ssl = tls_machine_ssl(machine);
  assert(ssl && SSL_is_init_finished(ssl));
  return (struct tls_facts){.version = SSL_get_version(ssl),
                            .cipher = SSL_get_cipher_name(ssl),
                            .group = group_of(ssl),
                            .resumed = SSL_session_reused(ssl)};
}
