/*
 * tls/secret.h - traffic secrets of TLS 1.3, and the keys that are made of them.
 * Spec: RFC 8446 sections 7.1 (HKDF-Expand-Label), 7.2 (the next secret) and 7.3 (keys).
 *
 * They are known because tls/schedule.h derives them.
 */
#ifndef WEIR_TLS_SECRET_H
#define WEIR_TLS_SECRET_H

#include "engine/base/machine.h"
#include "io/tls/aead.h"
#include "io/tls/hkdf.h"

enum { TLS_SECRET_BYTES_MAX = TLS_HASH_BYTES_MAX }; /* derived from it */

/* One direction's. All zero: none. */
struct tls_secret {
  uint8_t len; /* bytes of the hash that goes with the cipher */
  uint8_t bytes[TLS_SECRET_BYTES_MAX];
};

/* Both directions' at the end of the handshake. */
struct tls_secrets {
  struct tls_secret client, server; /* client_application_traffic_secret_0 and the server's */
};

/* Of TLS_SECRET_BYTES_MAX at most; a longer one leaves none. */
void tls_secret_set(struct tls_secret *secret, struct span bytes);

void tls_secrets_wipe(struct tls_secrets *secrets);

/* Begins keys of a cipher for a direction; `sequence` is the number of its next record. Keys that were there are
 * forgotten. False, and nothing happened, when the secret has another length than the cipher's hash, there is no such
 * cipher, or memory was refused. */
__attribute__((warn_unused_result)) bool
tls_secret_begin(const struct tls_secret *secret, struct tls_aead *keys,
                 const struct tls_aead_pool *pool, enum tls_aead_cipher cipher, uint64_t sequence);

/* A KeyUpdate: replaces the secret and its keys by the next ones, whose first record has number 0. False when memory
 * was refused: the connection must end. */
__attribute__((warn_unused_result)) bool tls_secret_update(struct tls_secret *secret,
                                                           struct tls_aead *keys,
                                                           const struct tls_aead_pool *pool);

#endif
