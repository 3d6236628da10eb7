/*
 * support/tls_peer.c - see support/tls_peer.h.
 */
#include "tests/support/tls_peer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "tests/support/cmocka.h"

enum { HEADER = 5, TAG = 16, CONTENT_MAX = 65000 };

static const struct {
  const char *cipher, *hash;
  size_t key_bytes, secret_bytes;
} suites[TLS_PEER_SUITES] = {
    {"AES-128-GCM", "SHA256", 16, 32},
    {"AES-256-GCM", "SHA384", 32, 48},
    {"ChaCha20-Poly1305", "SHA256", 32, 32},
};

size_t tls_peer_secret_bytes(enum tls_peer_suite suite) {
  return suites[suite].secret_bytes;
}

void tls_peer_expand(enum tls_peer_suite suite, const uint8_t *secret, const char *label,
                     uint8_t *out, size_t len) {
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
  EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)suites[suite].hash, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret,
                                        suites[suite].secret_bytes),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)label, strlen(label)),
      OSSL_PARAM_construct_end(),
  };
  assert_int_equal(EVP_KDF_derive(ctx, out, len, parameters), 1);
  EVP_KDF_CTX_free(ctx);
  EVP_KDF_free(kdf);
}

void tls_peer_begin(struct tls_peer *peer, enum tls_peer_suite suite, const uint8_t *secret) {
  *peer = (struct tls_peer){.suite = suite};
  memcpy(peer->secret, secret, suites[suite].secret_bytes);
  tls_peer_expand(suite, secret, "key", peer->key, suites[suite].key_bytes);
  tls_peer_expand(suite, secret, "iv", peer->iv, sizeof peer->iv);
}

void tls_peer_update(struct tls_peer *peer) {
  uint8_t next[48];
  tls_peer_expand(peer->suite, peer->secret, "traffic upd", next, suites[peer->suite].secret_bytes);
  tls_peer_begin(peer, peer->suite, next);
}

/* A context with the key and the next record's nonce, which has seen the header. */
static EVP_CIPHER_CTX *start(struct tls_peer *peer, const uint8_t *header, int encrypts) {
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, suites[peer->suite].cipher, NULL);
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  uint8_t nonce[12];
  int len;
  memcpy(nonce, peer->iv, sizeof nonce);
  for (unsigned i = 0; i < 8; i++)
    nonce[4 + i] ^= (uint8_t)(peer->sequence >> (56 - 8 * i));
  peer->sequence++;
  assert_int_equal(EVP_CipherInit_ex(ctx, cipher, NULL, peer->key, nonce, encrypts), 1);
  assert_int_equal(EVP_CipherUpdate(ctx, NULL, &len, header, HEADER), 1);
  EVP_CIPHER_free(cipher);
  return ctx;
}

size_t tls_peer_seal(struct tls_peer *peer, uint8_t type, const uint8_t *content, size_t len,
                     size_t padding, uint8_t *out) {
  static uint8_t inner[CONTENT_MAX + 1];
  const size_t all = len + 1 + padding, payload = all + TAG;
  const uint8_t header[HEADER] = {23, 3, 3, (uint8_t)(payload >> 8), (uint8_t)payload};
  int written;
  assert_true(all <= sizeof inner);
  memset(inner, 0, all);
  memcpy(inner, content, len);
  inner[len] = type;
  memcpy(out, header, HEADER);
  EVP_CIPHER_CTX *ctx = start(peer, header, 1);
  assert_int_equal(EVP_CipherUpdate(ctx, out + HEADER, &written, inner, (int)all), 1);
  assert_int_equal(EVP_CipherFinal_ex(ctx, out + HEADER + all, &written), 1);
  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + HEADER + all);
  EVP_CIPHER_CTX_free(ctx);
  return HEADER + payload;
}

size_t tls_peer_open(struct tls_peer *peer, const uint8_t *record, uint8_t *type, uint8_t *out) {
  size_t len = ((size_t)record[3] << 8 | record[4]) - TAG;
  uint8_t tag[TAG];
  int written;
  assert_memory_equal(record, ((const uint8_t[]){23, 3, 3}), 3);
  memcpy(tag, record + HEADER + len, TAG);
  EVP_CIPHER_CTX *ctx = start(peer, record, 0);
  assert_int_equal(EVP_CipherUpdate(ctx, out, &written, record + HEADER, (int)len), 1);
  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag);
  assert_int_equal(EVP_CipherFinal_ex(ctx, out + len, &written), 1);
  EVP_CIPHER_CTX_free(ctx);
  *type = out[len - 1]; /* ours have no padding */
  return len - 1;
}
