/*
 * tls/hkdf.c - see tls/hkdf.h.
 */
#include "io/tls/hkdf.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { BLOCK_BYTES_MAX = 128 }; /* fixed by SHA-384 */

struct tls_hash {
  EVP_MD *digest;
  size_t bytes, block_bytes;
  uint8_t of_nothing[TLS_HASH_BYTES_MAX];
};

static struct tls_hash hashes[TLS_HASHES];

/* ---- hashes ---------------------------------------------------------------------------------- */

static void look_up(struct tls_hash *hash, const char *name) {
  EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
  if (!digest) return;
  hash->bytes = (size_t)EVP_MD_get_size(digest);
  hash->block_bytes = (size_t)EVP_MD_get_block_size(digest);
  assert(hash->bytes <= TLS_HASH_BYTES_MAX && hash->block_bytes <= BLOCK_BYTES_MAX);
  if (EVP_Digest("", 0, hash->of_nothing, NULL, digest, NULL) == 1)
    hash->digest = digest;
  else
    EVP_MD_free(digest);
}

static void look_up_all(void) {
  look_up(&hashes[TLS_SHA_256], "SHA256");
  look_up(&hashes[TLS_SHA_384], "SHA384");
}

const struct tls_hash *tls_hash_of(enum tls_hash_kind kind) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, look_up_all);
  return hashes[kind].digest ? &hashes[kind] : NULL;
}

const struct tls_hash *tls_hash_named(const char *name) {
  if (strcmp(name, "SHA2-256") == 0 || strcmp(name, "SHA256") == 0) return tls_hash_of(TLS_SHA_256);
  if (strcmp(name, "SHA2-384") == 0 || strcmp(name, "SHA384") == 0) return tls_hash_of(TLS_SHA_384);
  return NULL;
}

size_t tls_hash_bytes(const struct tls_hash *hash) {
  return hash->bytes;
}

struct span tls_hash_of_nothing(const struct tls_hash *hash) {
  return span_of(hash->of_nothing, hash->bytes);
}

/* ---- HMAC ------------------------------------------------------------------------------------ */

/* H(first || second). */
static bool hash_both(const struct tls_hash *hash, EVP_MD_CTX *state, struct span first,
                      struct span second, uint8_t *out) {
  return EVP_DigestInit_ex2(state, hash->digest, NULL) == 1 &&
         EVP_DigestUpdate(state, first.base, first.len) == 1 &&
         EVP_DigestUpdate(state, second.base, second.len) == 1 &&
         EVP_DigestFinal_ex(state, out, NULL) == 1;
}

static bool mac(const struct tls_hash *hash, EVP_MD_CTX *state, struct span key, struct span text,
                uint8_t *out) {
  enum { INNER = 0x36, OUTER = 0x5c }; /* fixed by RFC 2104 section 2 */
  uint8_t pad[BLOCK_BYTES_MAX] = {0};
  const struct span block = span_of(pad, hash->block_bytes);
  assert(key.len <= hash->block_bytes);
  if (key.len > 0) memcpy(pad, key.base, key.len);
  for (size_t i = 0; i < block.len; i++)
    pad[i] ^= INNER;
  bool made = hash_both(hash, state, block, text, out);
  for (size_t i = 0; i < block.len; i++)
    pad[i] ^= INNER ^ OUTER;
  made = made && hash_both(hash, state, block, span_of(out, hash->bytes), out);
  OPENSSL_cleanse(pad, sizeof pad);
  return made;
}

/* ---- HKDF ------------------------------------------------------------------------------------ */

bool tls_hkdf_extract(const struct tls_hash *hash, struct span salt, struct span input,
                      uint8_t *out) {
  assert(salt.len <= hash->bytes);
  EVP_MD_CTX *state = EVP_MD_CTX_new();
  bool made = state && mac(hash, state, salt, input, out);
  EVP_MD_CTX_free(state);
  return made;
}

static uint8_t *put(uint8_t *at, struct span text) {
  if (text.len > 0) memcpy(at, text.base, text.len);
  return at + text.len;
}

/* HKDF-Expand(): `text` begins with room for a hash, and ends with room for the block's number. */
static bool expand(const struct tls_hash *hash, struct span secret, uint8_t *text, size_t text_len,
                   uint8_t *out, size_t len) {
  uint8_t block[TLS_HASH_BYTES_MAX];
  EVP_MD_CTX *state = EVP_MD_CTX_new();
  uint8_t *from = text + hash->bytes; /* the first block has no one before it */
  bool made = state != NULL;
  for (size_t at = 0; made && at < len; at += hash->bytes) {
    text[text_len - 1] = (uint8_t)(at / hash->bytes + 1);
    made = mac(hash, state, secret, span_of(from, (size_t)(text + text_len - from)), block);
    if (made) memcpy(out + at, block, len - at < hash->bytes ? len - at : hash->bytes);
    memcpy(text, block, hash->bytes);
    from = text;
  }
  EVP_MD_CTX_free(state);
  OPENSSL_cleanse(block, sizeof block);
  return made;
}

bool tls_hkdf_expand(const struct tls_hash *hash, struct span secret,
                     const struct tls_hkdf_label *label, uint8_t *out, size_t len) {
  enum { TEXT_MAX = 255 }; /* fixed by section 7.1, as the length of the label and of the context */
  uint8_t text[TLS_HASH_BYTES_MAX + 2 + 1 + TEXT_MAX + 1 + TEXT_MAX + 1];
  const size_t label_len = label->prefix.len + label->label.len;
  assert(secret.len <= hash->bytes);
  if (label->prefix.len > TEXT_MAX || label->label.len > TEXT_MAX || label_len > TEXT_MAX ||
      label->context.len > TEXT_MAX || len > TEXT_MAX * hash->bytes)
    return false;
  uint8_t *at = text + hash->bytes;
  *at++ = (uint8_t)(len >> 8);
  *at++ = (uint8_t)len;
  *at++ = (uint8_t)label_len;
  at = put(put(at, label->prefix), label->label);
  *at++ = (uint8_t)label->context.len;
  at = put(at, label->context) + 1;
  bool made = expand(hash, secret, text, (size_t)(at - text), out, len);
  OPENSSL_cleanse(text, sizeof text);
  return made;
}
