/*
 * tls/aead_cipher.h - what encrypts and decrypts for tls/aead.h: one table of functions for each library and cipher.
 *
 * A state is one key, prepared by the library. It is wiped before it is freed, and before another kind of key takes its
 * place.
 */
#ifndef WEIR_TLS_AEAD_CIPHER_H
#define WEIR_TLS_AEAD_CIPHER_H

#include "engine/base/machine.h"

enum tls_aead_cipher { TLS_AEAD_NONE, TLS_AEAD_AES_128, TLS_AEAD_AES_256, TLS_AEAD_CHACHA20 };

/* Fixed by the ciphers: RFC 8446 section 5.3, and the longest of their keys. */
enum { TLS_AEAD_CIPHERS = 4, TLS_AEAD_IV_BYTES = 12, TLS_AEAD_KEY_BYTES = 32 };

/* Fixed by RFC 8446 section 5.2 and the ciphers: what a record has before its ciphertext, and behind it. */
enum { TLS_AEAD_HEADER_BYTES = 5, TLS_AEAD_TAG_BYTES = 16 };

/* What a record has besides its text. */
struct tls_aead_record {
  uint8_t nonce[TLS_AEAD_IV_BYTES];
  uint8_t header[TLS_AEAD_HEADER_BYTES]; /* authenticated, not encrypted */
  uint8_t type; /* encrypted after the content; when opening, not looked at */
};

struct tls_aead_ops {
  const char *library; /* and for which processor */

  /* A state with a key of the cipher, for one direction: `state`, which these operations have made, or a new one if
   * that is NULL. NULL when memory was refused; `state` is then freed. */
  void *(*prepare)(void *state, enum tls_aead_cipher cipher, const uint8_t *key, bool seals);

  /* Writes the ciphertext of the first `len` bytes of the spans, of the type, and the tag. False: memory was
   * refused. */
  bool (*seal)(void *state, const struct tls_aead_record *record, const struct span *spans,
               size_t len, uint8_t *out);

  /* Decrypts `len` bytes, which a tag follows. False when it is wrong, or memory was refused: `out` is then to be
   * wiped. */
  bool (*open)(void *state, const struct tls_aead_record *record, const uint8_t *in, size_t len,
               uint8_t *out);

  /* Wipes the key. The state may be prepared again. */
  void (*forget)(void *state);

  /* Wipes and frees; NULL is allowed. */
  void (*destroy)(void *state);
};

/* OpenSSL's, or NULL if it does not have the cipher. */
const struct tls_aead_ops *tls_aead_evp(enum tls_aead_cipher cipher);

/* ipsec-mb's, or NULL: weir was built without it, or OpenSSL is faster on this processor. */
const struct tls_aead_ops *tls_aead_mb(enum tls_aead_cipher cipher);

#endif
