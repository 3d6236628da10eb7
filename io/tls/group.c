/*
 * tls/group.c - see tls/group.h.
 */
#include "io/tls/group.h"

#include <openssl/ssl.h>

/* Of one curve OpenSSL knows several names; this is the one of its key exchanges. */
const char *tls_group_of(SSL *ssl) {
  int id = (int)SSL_get_negotiated_group(ssl);
  const char *name = id ? SSL_group_to_name(ssl, id) : NULL;
  return name ? name : "";
}
