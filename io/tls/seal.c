/*
 * tls/seal.c - see tls/seal.h.
 */
#include "io/tls/seal.h"

#include <string.h>

#include <linux/tls.h>
#include <openssl/crypto.h>
#include <openssl/tls1.h>

/* The kernel splits the IV into a salt and the rest. */
static bool begin(struct tls_aead *aead, const struct tls_aead_pool *pool,
                  enum tls_aead_cipher cipher, const uint8_t *key, struct span salt,
                  const uint8_t *rest, const uint8_t *number) {
  uint8_t iv[TLS_AEAD_IV_BYTES];
  uint64_t sequence = 0;
  if (salt.len) memcpy(iv, salt.base, salt.len);
  memcpy(iv + salt.len, rest, sizeof iv - salt.len);
  for (unsigned i = 0; i < 8; i++)
    sequence = sequence << 8 | number[i];
  bool begun = tls_aead_begin(aead, pool, cipher, key, iv, sequence);
  OPENSSL_cleanse(iv, sizeof iv);
  return begun;
}

bool tls_seal_begin(struct tls_aead *aead, const struct tls_aead_pool *pool, const void *info) {
  const struct tls_crypto_info *kind = info;
  if (kind->version != TLS1_3_VERSION) return false;
  if (kind->cipher_type == TLS_CIPHER_AES_GCM_128) {
    const struct tls12_crypto_info_aes_gcm_128 *at = info;
    const struct span salt = span_of(at->salt, sizeof at->salt);
    return begin(aead, pool, TLS_AEAD_AES_128, at->key, salt, at->iv, at->rec_seq);
  }
  if (kind->cipher_type == TLS_CIPHER_AES_GCM_256) {
    const struct tls12_crypto_info_aes_gcm_256 *at = info;
    const struct span salt = span_of(at->salt, sizeof at->salt);
    return begin(aead, pool, TLS_AEAD_AES_256, at->key, salt, at->iv, at->rec_seq);
  }
  if (kind->cipher_type == TLS_CIPHER_CHACHA20_POLY1305) {
    const struct tls12_crypto_info_chacha20_poly1305 *at = info;
    return begin(aead, pool, TLS_AEAD_CHACHA20, at->key, span_of(NULL, 0), at->iv, at->rec_seq);
  }
  return false;
}
