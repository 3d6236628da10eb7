/*
 * tls/secret.c - see tls/secret.h.
 */
#include "io/tls/secret.h"

#include <string.h>

#include <openssl/crypto.h>

static const struct {
  size_t key_bytes, secret_bytes;
  enum tls_hash_kind hash;
} ciphers[TLS_AEAD_CIPHERS] = {
    [TLS_AEAD_AES_128] = {16, 32, TLS_SHA_256},
    [TLS_AEAD_AES_256] = {32, 48, TLS_SHA_384},
    [TLS_AEAD_CHACHA20] = {32, 32, TLS_SHA_256},
};

void tls_secret_set(struct tls_secret *secret, struct span bytes) {
  *secret = (struct tls_secret){0};
  if (bytes.len > TLS_SECRET_BYTES_MAX) return;
  memcpy(secret->bytes, bytes.base, bytes.len);
  secret->len = (uint8_t)bytes.len;
}

void tls_secrets_wipe(struct tls_secrets *secrets) {
  OPENSSL_cleanse(secrets, sizeof *secrets);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* HKDF-Expand-Label() without context. */
static bool expand(const struct tls_secret *secret, enum tls_aead_cipher cipher, const char *label,
                   uint8_t *out, size_t len) {
  const struct tls_hash *hash = tls_hash_of(ciphers[cipher].hash);
  const struct tls_hkdf_label texts = {.prefix = span_of("tls13 ", 6),
                                       .label = span_of(label, strlen(label))};
  return hash && tls_hkdf_expand(hash, span_of(secret->bytes, secret->len), &texts, out, len);
}

bool tls_secret_begin(const struct tls_secret *secret, struct tls_aead *keys,
                      const struct tls_aead_pool *pool, enum tls_aead_cipher cipher,
                      uint64_t sequence) {
  uint8_t key[TLS_AEAD_KEY_BYTES], iv[TLS_AEAD_IV_BYTES];
  if (cipher == TLS_AEAD_NONE || secret->len != ciphers[cipher].secret_bytes) return false;
  bool begun = expand(secret, cipher, "key", key, ciphers[cipher].key_bytes) &&
               expand(secret, cipher, "iv", iv, sizeof iv) &&
               tls_aead_begin(keys, pool, cipher, key, iv, sequence);
  OPENSSL_cleanse(key, sizeof key);
  OPENSSL_cleanse(iv, sizeof iv);
  return begun;
}

bool tls_secret_update(struct tls_secret *secret, struct tls_aead *keys,
                       const struct tls_aead_pool *pool) {
  const enum tls_aead_cipher cipher = keys->cipher;
  struct tls_secret next = {.len = secret->len};
  bool updated = expand(secret, cipher, "traffic upd", next.bytes, next.len) &&
                 tls_secret_begin(&next, keys, pool, cipher, 0);
  if (updated) *secret = next;
  OPENSSL_cleanse(&next, sizeof next);
  return updated;
}
