/*
 * tls/secret.c - see tls/secret.h.
 */
#include "io/tls/secret.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { SHA_256, SHA_384, HASHES };

static const struct {
  size_t key_bytes, secret_bytes;
  unsigned hash;
} ciphers[TLS_AEAD_CIPHERS] = {
    [TLS_AEAD_AES_128] = {16, 32, SHA_256},
    [TLS_AEAD_AES_256] = {32, 48, SHA_384},
    [TLS_AEAD_CHACHA20] = {32, 32, SHA_256},
};

/* Looked up once, because that takes as long as a hash of a secret; never freed. NULL: OpenSSL has it not. */
static EVP_MD *hashes[HASHES];

static void look_up_hashes(void) {
  hashes[SHA_256] = EVP_MD_fetch(NULL, "SHA256", NULL);
  hashes[SHA_384] = EVP_MD_fetch(NULL, "SHA384", NULL);
}

static const EVP_MD *hash_of(enum tls_aead_cipher cipher) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, look_up_hashes);
  return hashes[ciphers[cipher].hash];
}

/* ---- the key log ----------------------------------------------------------------------------- */

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Leaves the secret empty if the text is not one. */
static void read_secret(struct tls_secret *secret, const char *hex) {
  size_t len = strlen(hex);
  *secret = (struct tls_secret){0};
  if (len % 2 || len / 2 > TLS_SECRET_BYTES_MAX) return;
  for (size_t i = 0; i < len / 2; i++) {
    int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);
    if (high < 0 || low < 0) return;
    secret->bytes[i] = (uint8_t)(high << 4 | low);
  }
  secret->len = (uint8_t)(len / 2);
}

/* What follows the label and the client's random; NULL if the line has another label. */
static const char *value_of(const char *line, const char *label) {
  size_t len = strlen(label);
  if (strncmp(line, label, len) != 0 || line[len] != ' ') return NULL;
  const char *value = strchr(line + len + 1, ' ');
  return value ? value + 1 : NULL;
}

void tls_secrets_note(struct tls_secrets *secrets, const char *line) {
  const char *client = value_of(line, "CLIENT_TRAFFIC_SECRET_0");
  const char *server = value_of(line, "SERVER_TRAFFIC_SECRET_0");
  if (client) read_secret(&secrets->client, client);
  if (server) read_secret(&secrets->server, server);
}

void tls_secrets_wipe(struct tls_secrets *secrets) {
  OPENSSL_cleanse(secrets, sizeof *secrets);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* HKDF-Expand-Label() without context, of at most the hash's length: one HMAC (RFC 5869 section 2.3) of the struct
 * HkdfLabel and the number of the block. */
static bool expand(const struct tls_secret *secret, const EVP_MD *hash, const char *label,
                   uint8_t *out, size_t len) {
  enum { LABEL_BYTES_MAX = 11 }; /* fixed by section 7.2: "traffic upd" */
  uint8_t info[2 + 1 + 6 + LABEL_BYTES_MAX + 1 + 1], block[EVP_MAX_MD_SIZE];
  const size_t label_len = strlen(label);
  unsigned block_len;
  assert(label_len <= LABEL_BYTES_MAX && len <= secret->len);
  uint8_t *at = info;
  *at++ = 0;
  *at++ = (uint8_t)len;
  *at++ = (uint8_t)(6 + label_len);
  memcpy(at, "tls13 ", 6);
  memcpy(at + 6, label, label_len);
  at += 6 + label_len;
  *at++ = 0; /* bytes of context */
  *at++ = 1;
  bool made =
      hash && HMAC(hash, secret->bytes, secret->len, info, (size_t)(at - info), block, &block_len);
  if (made) memcpy(out, block, len);
  OPENSSL_cleanse(block, sizeof block);
  return made;
}

bool tls_secret_begin(const struct tls_secret *secret, struct tls_aead *keys,
                      const struct tls_aead_pool *pool, enum tls_aead_cipher cipher,
                      uint64_t sequence) {
  uint8_t key[TLS_AEAD_KEY_BYTES], iv[TLS_AEAD_IV_BYTES];
  if (cipher == TLS_AEAD_NONE || secret->len != ciphers[cipher].secret_bytes) return false;
  const EVP_MD *hash = hash_of(cipher);
  bool begun = expand(secret, hash, "key", key, ciphers[cipher].key_bytes) &&
               expand(secret, hash, "iv", iv, sizeof iv) &&
               tls_aead_begin(keys, pool, cipher, key, iv, sequence);
  OPENSSL_cleanse(key, sizeof key);
  OPENSSL_cleanse(iv, sizeof iv);
  return begun;
}

bool tls_secret_update(struct tls_secret *secret, struct tls_aead *keys,
                       const struct tls_aead_pool *pool) {
  const enum tls_aead_cipher cipher = keys->cipher;
  struct tls_secret next = {.len = secret->len};
  bool updated = expand(secret, hash_of(cipher), "traffic upd", next.bytes, next.len) &&
                 tls_secret_begin(&next, keys, pool, cipher, 0);
  if (updated) *secret = next;
  OPENSSL_cleanse(&next, sizeof next);
  return updated;
}
