/*
 * tls/facts.c - see tls/facts.h.
 */
#include "io/tls/facts.h"

#include <assert.h>

#include <openssl/ssl.h>

#include "io/tls/tls.h"

/* Of one curve OpenSSL knows several names; this is the one of its key exchanges. It asks with an
 * object that it could change. */
static const char *group_of(const SSL *ssl) {
  SSL *asked = (SSL *)(uintptr_t)ssl;
  int id = (int)SSL_get_negotiated_group(asked);
  const char *name = id ? SSL_group_to_name(asked, id) : NULL;
  return name ? name : "";
}

struct tls_facts tls_facts_of(const struct machine *machine) {
  const SSL *ssl = tls_machine_ssl(machine);
  assert(ssl && SSL_is_init_finished(ssl));
  return (struct tls_facts){.version = SSL_get_version(ssl),
                            .cipher = SSL_get_cipher_name(ssl),
                            .group = group_of(ssl),
                            .resumed = SSL_session_reused(ssl)};
}
