/*
 * tls/facts.c - see tls/facts.h.
 */
#include "io/tls/facts.h"

#include <assert.h>

#include <openssl/ssl.h>

#include "io/tls/group.h"
#include "io/tls/tls.h"

struct tls_facts tls_facts_of(const struct machine *machine) {
  SSL *ssl = tls_machine_ssl(machine);
  assert(ssl && SSL_is_init_finished(ssl));
  return (struct tls_facts){.version = SSL_get_version(ssl),
                            .cipher = SSL_get_cipher_name(ssl),
                            .group = tls_group_of(ssl),
                            .resumed = SSL_session_reused(ssl)};
}
