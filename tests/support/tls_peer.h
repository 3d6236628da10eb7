/*
 * support/tls_peer.h - the other end of a TLS 1.3 connection after the handshake, by OpenSSL's own functions and nothing of
 * io/tls: it makes records, right and wrong ones.
 */
#ifndef WEIR_TESTS_TLS_PEER_H
#define WEIR_TESTS_TLS_PEER_H

#include "engine/base/machine.h"

enum tls_peer_suite { TLS_PEER_AES_128, TLS_PEER_AES_256, TLS_PEER_CHACHA20, TLS_PEER_SUITES };

/* One direction. */
struct tls_peer {
  enum tls_peer_suite suite;
  uint8_t secret[48], key[32], iv[12];
  uint64_t sequence;
};

/* Bytes of the suite's secrets. */
size_t tls_peer_secret_bytes(enum tls_peer_suite suite);

/* HKDF-Expand-Label() without context. */
void tls_peer_expand(enum tls_peer_suite suite, const uint8_t *secret, const char *label,
                     uint8_t *out, size_t len);

void tls_peer_begin(struct tls_peer *peer, enum tls_peer_suite suite, const uint8_t *secret);

/* Goes on to the next secret. */
void tls_peer_update(struct tls_peer *peer);

/* Writes a record with the content, its type and `padding` zeros to `out`; `len` + `padding` is at most 65000. Returns its
 * bytes: 22 more than that. */
size_t tls_peer_seal(struct tls_peer *peer, uint8_t type, const uint8_t *content, size_t len,
                     size_t padding, uint8_t *out);

/* Opens the record at `record`, which must be whole and right (asserted). Returns the bytes of the content at `out`. */
size_t tls_peer_open(struct tls_peer *peer, const uint8_t *record, uint8_t *type, uint8_t *out);

#endif
