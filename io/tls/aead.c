/*
 * tls/aead.c - see tls/aead.h.
 */
#include "io/tls/aead.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl3.h>

/* Derived from the header. */
enum { HEADER_BYTES = TLS_AEAD_HEADER_BYTES, TAG_BYTES = TLS_AEAD_TAG_BYTES };

/* ---- ciphers --------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  size_t key_bytes;
} ciphers[TLS_AEAD_CIPHERS] = {
    [TLS_AEAD_AES_128] = {"AES-128-GCM", 16},
    [TLS_AEAD_AES_256] = {"AES-256-GCM", 32},
    [TLS_AEAD_CHACHA20] = {"ChaCha20-Poly1305", 32},
};

void tls_aead_pool_init(struct tls_aead_pool *pool) {
  *pool = (struct tls_aead_pool){0};
  for (unsigned i = 1; i < TLS_AEAD_CIPHERS; i++)
    pool->ciphers[i] = EVP_CIPHER_fetch(NULL, ciphers[i].name, NULL);
}

void tls_aead_pool_destroy(struct tls_aead_pool *pool) {
  for (unsigned i = 0; i < TLS_AEAD_CONTEXTS; i++)
    EVP_CIPHER_CTX_free(pool->at[i].ctx);
  for (unsigned i = 0; i < TLS_AEAD_CIPHERS; i++)
    EVP_CIPHER_free(pool->ciphers[i]);
}

/* ---- keys ------------------------------------------------------------------------------------ */

bool tls_aead_begin(struct tls_aead *aead, const struct tls_aead_pool *pool,
                    enum tls_aead_cipher cipher, const uint8_t *key,
                    const uint8_t iv[TLS_AEAD_IV_BYTES], uint64_t sequence) {
  if (!pool->ciphers[cipher]) return false;
  tls_aead_end(aead);
  aead->cipher = (uint8_t)cipher;
  aead->sequence = sequence;
  memcpy(aead->key, key, ciphers[cipher].key_bytes);
  memcpy(aead->iv, iv, TLS_AEAD_IV_BYTES);
  return true;
}

/* The context has a copy of the key. */
static void forget(struct tls_aead_context *context) {
  EVP_CIPHER_CTX_reset(context->ctx);
  context->cipher = TLS_AEAD_NONE;
  context->owner = NULL;
}

void tls_aead_end(struct tls_aead *aead) {
  if (aead->lent && aead->lent->owner == aead) forget(aead->lent);
  OPENSSL_cleanse(aead, sizeof *aead);
}

/* A context with these keys; NULL when memory was refused. */
static EVP_CIPHER_CTX *context_of(struct tls_aead *aead, struct tls_aead_pool *pool, bool seals) {
  struct tls_aead_context *context = aead->lent;
  if (context && context->owner == aead && context->seals == seals) return context->ctx;
  context = &pool->at[pool->next++ % TLS_AEAD_CONTEXTS];
  context->owner = NULL;
  if (!context->ctx && !(context->ctx = EVP_CIPHER_CTX_new())) return NULL;
  const EVP_CIPHER *cipher = pool->ciphers[aead->cipher];
  bool same = context->cipher == aead->cipher;
  context->cipher = TLS_AEAD_NONE;
  if (EVP_CipherInit_ex(context->ctx, same ? NULL : cipher, NULL, aead->key, NULL, seals) != 1)
    return NULL;
  context->cipher = aead->cipher;
  context->seals = seals;
  context->owner = aead;
  aead->lent = context;
  return context->ctx;
}

static void nonce_of(const struct tls_aead *aead, uint8_t nonce[TLS_AEAD_IV_BYTES]) {
  memcpy(nonce, aead->iv, TLS_AEAD_IV_BYTES);
  for (unsigned i = 0; i < 8; i++)
    nonce[TLS_AEAD_IV_BYTES - 1 - i] ^= (uint8_t)(aead->sequence >> 8 * i);
}

/* A context at the beginning of the next record, which has this header; NULL as above, or when there is no next. */
static EVP_CIPHER_CTX *start(struct tls_aead *aead, struct tls_aead_pool *pool, bool seals,
                             const uint8_t header[HEADER_BYTES]) {
  assert(tls_aead_is_on(aead));
  if (aead->sequence == UINT64_MAX) return NULL;
  EVP_CIPHER_CTX *ctx = context_of(aead, pool, seals);
  uint8_t nonce[TLS_AEAD_IV_BYTES];
  int none;
  nonce_of(aead, nonce);
  if (!ctx || EVP_CipherInit_ex(ctx, NULL, NULL, NULL, nonce, seals) != 1 ||
      EVP_CipherUpdate(ctx, NULL, &none, header, HEADER_BYTES) != 1)
    return NULL;
  return ctx;
}

static bool update(EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t *out) {
  int written;
  if (EVP_CipherUpdate(ctx, out, &written, in, (int)len) != 1) return false;
  assert((size_t)written == len); /* a stream cipher: each byte at once */
  return true;
}

/* ---- sealing --------------------------------------------------------------------------------- */

static bool encrypt(EVP_CIPHER_CTX *ctx, const struct span *spans, size_t len, uint8_t type,
                    uint8_t *out) {
  for (; len > 0; spans++) {
    size_t part = spans->len < len ? spans->len : len;
    if (part > 0 && !update(ctx, spans->base, part, out)) return false;
    out += part;
    len -= part;
  }
  return update(ctx, &type, 1, out);
}

bool tls_aead_seal(struct tls_aead *aead, struct tls_aead_pool *pool, uint8_t type,
                   const struct span *spans, size_t len, uint8_t *out) {
  assert(len <= TLS_RECORD_BYTES);
  const size_t payload = len + 1 + TAG_BYTES;
  const uint8_t header[HEADER_BYTES] = {SSL3_RT_APPLICATION_DATA, 3, 3, (uint8_t)(payload >> 8),
                                        (uint8_t)payload};
  uint8_t *tag = out + HEADER_BYTES + len + 1;
  int none;
  EVP_CIPHER_CTX *ctx = start(aead, pool, true, header);
  if (!ctx || !encrypt(ctx, spans, len, type, out + HEADER_BYTES) ||
      EVP_CipherFinal_ex(ctx, tag, &none) != 1 ||
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) != 1)
    return false;
  memcpy(out, header, HEADER_BYTES);
  aead->sequence++;
  return true;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* The last byte that is not zero is the type: RFC 8446 section 5.4. */
static struct tls_aead_content content_of(const uint8_t *plaintext, size_t len) {
  while (len > 0 && plaintext[len - 1] == 0)
    len--;
  if (len == 0) return (struct tls_aead_content){0};
  return (struct tls_aead_content){.len = len - 1, .type = plaintext[len - 1]};
}

/* OpenSSL compares tags in constant time. */
static bool decrypt(EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t *out) {
  uint8_t tag[TAG_BYTES];
  int none;
  memcpy(tag, in + len, TAG_BYTES);
  return update(ctx, in, len, out) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
         EVP_CipherFinal_ex(ctx, out + len, &none) == 1;
}

bool tls_aead_open(struct tls_aead *aead, struct tls_aead_pool *pool, struct span record,
                   uint8_t *out, struct tls_aead_content *content) {
  if (record.len < tls_aead_bytes(0)) return false;
  const size_t len = record.len - HEADER_BYTES - TAG_BYTES;
  EVP_CIPHER_CTX *ctx = start(aead, pool, false, record.base);
  if (!ctx) return false;
  if (!decrypt(ctx, record.base + HEADER_BYTES, len, out)) {
    OPENSSL_cleanse(out, len);
    return false;
  }
  *content = content_of(out, len);
  aead->sequence++;
  return true;
}
