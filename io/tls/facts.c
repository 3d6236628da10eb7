/*
 * tls/facts.c - see tls/facts.h.
 */
#include "io/tls/facts.h"

#include <openssl/ssl.h>

#include "io/tls/group.h"

struct tls_facts tls_facts_read(SSL *ssl) {
  return (struct tls_facts){.version = SSL_get_version(ssl),
                            .cipher = SSL_get_cipher_name(ssl),
                            .group = tls_group_of(ssl),
                            .resumed = SSL_session_reused(ssl)};
}
