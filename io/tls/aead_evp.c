/*
 * tls/aead_evp.c - the ciphers of OpenSSL. A state is an EVP_CIPHER_CTX.
 */
#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <openssl/evp.h>

#include "io/tls/aead_cipher.h"

enum { TAG_BYTES = TLS_AEAD_TAG_BYTES /* derived from the header */ };

/* Fetched once, and not freed before the process ends. */
static EVP_CIPHER *methods[TLS_AEAD_CIPHERS];

static void fetch(void) {
  static const char *const names[TLS_AEAD_CIPHERS] = {
      [TLS_AEAD_AES_128] = "AES-128-GCM",
      [TLS_AEAD_AES_256] = "AES-256-GCM",
      [TLS_AEAD_CHACHA20] = "ChaCha20-Poly1305",
  };
  for (unsigned i = 1; i < TLS_AEAD_CIPHERS; i++)
    methods[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void destroy(void *state) {
  EVP_CIPHER_CTX_free(state);
}

static void forget(void *state) {
  EVP_CIPHER_CTX_reset(state);
}

/* Setting the method again would make a context anew. */
static void *prepare(void *state, enum tls_aead_cipher cipher, const uint8_t *key, bool seals) {
  EVP_CIPHER_CTX *ctx = state ? state : EVP_CIPHER_CTX_new();
  const EVP_CIPHER *method = methods[cipher];
  if (ctx && EVP_CIPHER_CTX_get0_cipher(ctx) == method) method = NULL;
  if (ctx && EVP_CipherInit_ex(ctx, method, NULL, key, NULL, seals) == 1) return ctx;
  destroy(ctx);
  return NULL;
}

/* ---- records --------------------------------------------------------------------------------- */

/* -1: the direction stays. */
static bool start(EVP_CIPHER_CTX *ctx, const struct tls_aead_record *record) {
  int none;
  return EVP_CipherInit_ex(ctx, NULL, NULL, NULL, record->nonce, -1) == 1 &&
         EVP_CipherUpdate(ctx, NULL, &none, record->header, sizeof record->header) == 1;
}

static bool update(EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t *out) {
  int written;
  if (EVP_CipherUpdate(ctx, out, &written, in, (int)len) != 1) return false;
  assert((size_t)written == len); /* a stream cipher: each byte at once */
  return true;
}

static bool seal(void *state, const struct tls_aead_record *record, const struct span *spans,
                 size_t len, uint8_t *out) {
  EVP_CIPHER_CTX *ctx = state;
  int none;
  if (!start(ctx, record)) return false;
  for (; len > 0; spans++) {
    size_t part = spans->len < len ? spans->len : len;
    if (part > 0 && !update(ctx, spans->base, part, out)) return false;
    out += part;
    len -= part;
  }
  if (!update(ctx, &record->type, 1, out)) return false;
  uint8_t *tag = out + 1;
  return EVP_CipherFinal_ex(ctx, tag, &none) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;
}

/* OpenSSL compares tags in constant time. */
static bool open(void *state, const struct tls_aead_record *record, const uint8_t *in, size_t len,
                 uint8_t *out) {
  EVP_CIPHER_CTX *ctx = state;
  uint8_t tag[TAG_BYTES];
  int none;
  memcpy(tag, in + len, TAG_BYTES);
  return start(ctx, record) && update(ctx, in, len, out) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
         EVP_CipherFinal_ex(ctx, out + len, &none) == 1;
}

const struct tls_aead_ops *tls_aead_evp(enum tls_aead_cipher cipher) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static const struct tls_aead_ops ops = {
      .library = "OpenSSL",
      .prepare = prepare,
      .seal = seal,
      .open = open,
      .forget = forget,
      .destroy = destroy,
  };
  pthread_once(&once, fetch);
  return methods[cipher] ? &ops : NULL;
}
