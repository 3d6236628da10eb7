/*
 * tls/seal.c - see tls/seal.h.
 */
#include "io/tls/seal.h"

#include <assert.h>
#include <string.h>

#include <linux/tls.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl3.h>

/* Fixed by RFC 8446 section 5.2, and by the ciphers. */
enum { HEADER_BYTES = 5, TAG_BYTES = 16 };

/* ---- ciphers --------------------------------------------------------------------------------- */

void tls_sealers_init(struct tls_sealers *sealers) {
  static const char *const names[TLS_SEAL_CIPHERS] = {
      [TLS_SEAL_AES_128] = "AES-128-GCM",
      [TLS_SEAL_AES_256] = "AES-256-GCM",
      [TLS_SEAL_CHACHA20] = "ChaCha20-Poly1305",
  };
  *sealers = (struct tls_sealers){0};
  for (unsigned i = 1; i < TLS_SEAL_CIPHERS; i++)
    sealers->ciphers[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
}

void tls_sealers_destroy(struct tls_sealers *sealers) {
  for (unsigned i = 0; i < TLS_SEALERS; i++)
    EVP_CIPHER_CTX_free(sealers->at[i].ctx);
  for (unsigned i = 0; i < TLS_SEAL_CIPHERS; i++)
    EVP_CIPHER_free(sealers->ciphers[i]);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The kernel splits the IV into a salt and the rest. */
static void set(struct tls_seal *seal, enum tls_seal_cipher cipher, const uint8_t *key,
                size_t key_len, const uint8_t *salt, size_t salt_len, const uint8_t *iv,
                const uint8_t *sequence) {
  seal->cipher = (uint8_t)cipher;
  memcpy(seal->key, key, key_len);
  if (salt_len) memcpy(seal->iv, salt, salt_len);
  memcpy(seal->iv + salt_len, iv, TLS_SEAL_IV_BYTES - salt_len);
  seal->sequence = 0;
  for (unsigned i = 0; i < 8; i++)
    seal->sequence = seal->sequence << 8 | sequence[i];
}

bool tls_seal_begin(struct tls_seal *seal, const struct tls_sealers *sealers, const void *info) {
  const struct tls_crypto_info *kind = info;
  struct tls_seal made = {0};
  if (kind->version != TLS_1_3_VERSION) return false;
  if (kind->cipher_type == TLS_CIPHER_AES_GCM_128) {
    const struct tls12_crypto_info_aes_gcm_128 *at = info;
    set(&made, TLS_SEAL_AES_128, at->key, sizeof at->key, at->salt, sizeof at->salt, at->iv,
        at->rec_seq);
  } else if (kind->cipher_type == TLS_CIPHER_AES_GCM_256) {
    const struct tls12_crypto_info_aes_gcm_256 *at = info;
    set(&made, TLS_SEAL_AES_256, at->key, sizeof at->key, at->salt, sizeof at->salt, at->iv,
        at->rec_seq);
  } else if (kind->cipher_type == TLS_CIPHER_CHACHA20_POLY1305) {
    const struct tls12_crypto_info_chacha20_poly1305 *at = info;
    set(&made, TLS_SEAL_CHACHA20, at->key, sizeof at->key, NULL, 0, at->iv, at->rec_seq);
  }
  bool known = sealers->ciphers[made.cipher];
  if (known) {
    tls_seal_end(seal);
    *seal = made;
  }
  OPENSSL_cleanse(&made, sizeof made);
  return known;
}

/* The context has a copy of the key. */
static void forget(struct tls_sealer *sealer) {
  EVP_CIPHER_CTX_reset(sealer->ctx);
  sealer->cipher = TLS_SEAL_NONE;
  sealer->owner = NULL;
}

void tls_seal_end(struct tls_seal *seal) {
  if (seal->sealer && seal->sealer->owner == seal) forget(seal->sealer);
  OPENSSL_cleanse(seal, sizeof *seal);
}

/* ---- records --------------------------------------------------------------------------------- */

/* A context with the connection's key; NULL when memory was refused. */
static EVP_CIPHER_CTX *context_of(struct tls_seal *seal, struct tls_sealers *sealers) {
  struct tls_sealer *sealer = seal->sealer;
  if (sealer && sealer->owner == seal) return sealer->ctx;
  sealer = &sealers->at[sealers->next++ % TLS_SEALERS];
  sealer->owner = NULL;
  if (!sealer->ctx && !(sealer->ctx = EVP_CIPHER_CTX_new())) return NULL;
  const EVP_CIPHER *cipher = sealers->ciphers[seal->cipher];
  bool same = sealer->cipher == seal->cipher;
  sealer->cipher = TLS_SEAL_NONE;
  if (EVP_EncryptInit_ex(sealer->ctx, same ? NULL : cipher, NULL, seal->key, NULL) != 1)
    return NULL;
  sealer->cipher = seal->cipher;
  sealer->owner = seal;
  seal->sealer = sealer;
  return sealer->ctx;
}

static void nonce_of(const struct tls_seal *seal, uint8_t nonce[TLS_SEAL_IV_BYTES]) {
  memcpy(nonce, seal->iv, TLS_SEAL_IV_BYTES);
  for (unsigned i = 0; i < 8; i++)
    nonce[TLS_SEAL_IV_BYTES - 1 - i] ^= (uint8_t)(seal->sequence >> 8 * i);
}

static bool encrypt(EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t **out) {
  int written;
  if (EVP_EncryptUpdate(ctx, *out, &written, in, (int)len) != 1) return false;
  assert((size_t)written == len); /* a stream cipher: each byte at once */
  *out += len;
  return true;
}

static bool encrypt_spans(EVP_CIPHER_CTX *ctx, const struct span *spans, size_t len, uint8_t type,
                          uint8_t **out) {
  for (; len > 0; spans++) {
    size_t part = spans->len < len ? spans->len : len;
    if (part > 0 && !encrypt(ctx, spans->base, part, out)) return false;
    len -= part;
  }
  return encrypt(ctx, &type, 1, out);
}

bool tls_seal_record(struct tls_seal *seal, struct tls_sealers *sealers, uint8_t type,
                     const struct span *spans, size_t len, uint8_t *out) {
  assert(tls_seal_is_on(seal) && len <= TLS_RECORD_BYTES);
  uint8_t nonce[TLS_SEAL_IV_BYTES], *at = out + HEADER_BYTES;
  size_t payload = len + 1 + TAG_BYTES;
  int none;
  EVP_CIPHER_CTX *ctx = context_of(seal, sealers);
  if (!ctx) return false;
  const uint8_t header[HEADER_BYTES] = {SSL3_RT_APPLICATION_DATA, 3, 3, (uint8_t)(payload >> 8),
                                        (uint8_t)payload};
  memcpy(out, header, HEADER_BYTES);
  nonce_of(seal, nonce);
  if (EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, nonce) != 1 ||
      EVP_EncryptUpdate(ctx, NULL, &none, out, HEADER_BYTES) != 1 ||
      !encrypt_spans(ctx, spans, len, type, &at) || EVP_EncryptFinal_ex(ctx, at, &none) != 1 ||
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, at) != 1)
    return false;
  seal->sequence++;
  return true;
}
