/*
 * tls/rekey.h - a new key of ours after TLS_KEY_RECORDS records, while OpenSSL writes them (else: tls/sender.h).
 * Spec: RFC 8446 sections 4.6.3 and 5.5. TLS 1.2 has no KeyUpdate.
 */
#ifndef WEIR_TLS_REKEY_H
#define WEIR_TLS_REKEY_H

#include <stdint.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

/* A record was written. After `max` OpenSSL sends a KeyUpdate with its next one. */
static inline void tls_rekey_count(uint32_t *records, uint32_t max, SSL *ssl) {
  if (++*records < max || SSL_version(ssl) != TLS1_3_VERSION) return;
  if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
    *records = 0;
  else
    ERR_clear_error(); /* not now: after the next record */
}

#endif
