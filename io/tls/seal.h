/*
 * tls/seal.h - records of TLS 1.3 that are encrypted straight from where the plaintext lies to where they are
 * sent from.
 * Spec: RFC 8446 sections 5.2 and 5.3.
 *
 * OpenSSL's own way copies each byte twice: before it encrypts, and to its BIO afterwards. But it can leave
 * encryption to the kernel (SSL_OP_ENABLE_KTLS): it then gives the BIO the keys of our direction, and writes
 * plaintext. Our BIO takes the keys in the kernel's place. OpenSSL still decides on every alert, ticket and
 * KeyUpdate; these come through the BIO, and are sealed with the same sequence numbers.
 *
 * Keys stay with their connection. What OpenSSL makes of them, a cipher context of about a kilobyte, is lent by the
 * worker to the connections that sealed last.
 *
 * Where this cannot be (TLS 1.2, a cipher other than AES-GCM and ChaCha20-Poly1305, an OpenSSL without it, after
 * a KeyUpdate), OpenSSL encrypts.
 */
#ifndef WEIR_TLS_SEAL_H
#define WEIR_TLS_SEAL_H

#include "engine/base/machine.h"
#include "io/base/limits.h"

/* Of openssl/types.h. */
struct evp_cipher_ctx_st;
struct evp_cipher_st;

enum tls_seal_cipher { TLS_SEAL_NONE, TLS_SEAL_AES_128, TLS_SEAL_AES_256, TLS_SEAL_CHACHA20 };

/* Fixed by the ciphers: RFC 8446 section 5.3, and the longest of their keys. */
enum { TLS_SEAL_CIPHERS = 4, TLS_SEAL_IV_BYTES = 12, TLS_SEAL_KEY_BYTES = 32 };

/* One connection's keys. All zero: none. */
struct tls_seal {
  uint8_t cipher; /* enum tls_seal_cipher */
  uint8_t iv[TLS_SEAL_IV_BYTES];
  uint8_t key[TLS_SEAL_KEY_BYTES];
  uint64_t sequence;         /* number of the next record */
  struct tls_sealer *sealer; /* used last; its owner may be another by now */
};

struct tls_sealer {
  struct evp_cipher_ctx_st *ctx; /* with the owner's key; NULL: never used */
  const struct tls_seal *owner;  /* NULL: it is gone, or its key is not set */
  uint8_t cipher;                /* that the context was set up for */
};

/* One worker's. */
struct tls_sealers {
  struct evp_cipher_st *ciphers[TLS_SEAL_CIPHERS]; /* NULL: OpenSSL has it not */
  struct tls_sealer at[TLS_SEALERS];
  uint32_t next; /* the one that is given to another connection next */
};

void tls_sealers_init(struct tls_sealers *sealers);

/* No connection may seal any more. */
void tls_sealers_destroy(struct tls_sealers *sealers);

/* Takes keys as the kernel would: `info` begins with struct tls_crypto_info of linux/tls.h. False, and nothing
 * happened, if they are not of a kind that we seal with. */
__attribute__((warn_unused_result)) bool
tls_seal_begin(struct tls_seal *seal, const struct tls_sealers *sealers, const void *info);

/* Forgets the keys, also in the context that was lent. */
void tls_seal_end(struct tls_seal *seal);

static inline bool tls_seal_is_on(const struct tls_seal *seal) {
  return seal->cipher != TLS_SEAL_NONE;
}

/* Bytes of a record with `len` bytes of plaintext. */
static inline size_t tls_seal_bytes(size_t len) {
  return 5 + len + 1 + 16;
}

/* Writes a record of content `type` to `out`, with the first `len` bytes of the spans, at most TLS_RECORD_BYTES:
 * tls_seal_bytes(len) bytes, which may not overlap the plaintext. False when memory was refused; the record was
 * then not counted. */
__attribute__((warn_unused_result)) bool tls_seal_record(struct tls_seal *seal,
                                                         struct tls_sealers *sealers, uint8_t type,
                                                         const struct span *spans, size_t len,
                                                         uint8_t *out);

#endif
