/*
 * tls/aead.c - keys, and records around what a cipher makes of them.
 */
#include "io/tls/aead.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/ssl3.h>

/* Derived from the header. */
enum { HEADER_BYTES = TLS_AEAD_HEADER_BYTES, TAG_BYTES = TLS_AEAD_TAG_BYTES };

static const struct tls_aead_ops *ops_of(enum tls_aead_cipher cipher) {
  const struct tls_aead_ops *ops = tls_aead_mb(cipher);
  return ops ? ops : tls_aead_evp(cipher);
}

const char *tls_aead_library(enum tls_aead_cipher cipher) {
  const struct tls_aead_ops *ops = ops_of(cipher);
  return ops ? ops->library : "";
}

void tls_aead_pool_init(struct tls_aead_pool *pool) {
  *pool = (struct tls_aead_pool){0};
  for (unsigned i = 1; i < TLS_AEAD_CIPHERS; i++)
    pool->ops[i] = ops_of(i);
}

static void drop(struct tls_aead_context *context) {
  context->owner = NULL;
  if (context->state) context->ops->destroy(context->state);
  context->state = NULL;
}

void tls_aead_pool_destroy(struct tls_aead_pool *pool) {
  for (unsigned i = 0; i < TLS_AEAD_CONTEXTS; i++)
    drop(&pool->at[i]);
}

void tls_aead_pool_trim(struct tls_aead_pool *pool) {
  for (unsigned i = 0; i < TLS_AEAD_CONTEXTS; i++) {
    if (!pool->at[i].used) drop(&pool->at[i]);
    pool->at[i].used = false;
  }
}

/* ---- keys ------------------------------------------------------------------------------------ */

bool tls_aead_begin(struct tls_aead *aead, const struct tls_aead_pool *pool,
                    enum tls_aead_cipher cipher, const uint8_t *key,
                    const uint8_t iv[TLS_AEAD_IV_BYTES], uint64_t sequence) {
  static const uint8_t key_bytes[TLS_AEAD_CIPHERS] = {
      [TLS_AEAD_AES_128] = 16, [TLS_AEAD_AES_256] = 32, [TLS_AEAD_CHACHA20] = 32};
  if (!pool->ops[cipher]) return false;
  tls_aead_end(aead);
  aead->cipher = (uint8_t)cipher;
  aead->sequence = sequence;
  memcpy(aead->key, key, key_bytes[cipher]);
  memcpy(aead->iv, iv, TLS_AEAD_IV_BYTES);
  return true;
}

void tls_aead_end(struct tls_aead *aead) {
  struct tls_aead_context *context = aead->lent;
  if (context && context->owner == aead) {
    context->ops->forget(context->state);
    context->owner = NULL;
  }
  OPENSSL_cleanse(aead, sizeof *aead);
}

static bool has(const struct tls_aead *aead, bool seals) {
  return aead->lent && aead->lent->owner == aead && aead->lent->seals == seals;
}

/* Gives the keys the next context, of whoever that was. False when memory was refused. */
static bool prepare(struct tls_aead *aead, struct tls_aead_pool *pool, bool seals) {
  const struct tls_aead_ops *ops = pool->ops[aead->cipher];
  struct tls_aead_context *context = &pool->at[pool->next++ % TLS_AEAD_CONTEXTS];
  if (context->ops != ops) drop(context);
  context->owner = NULL;
  context->ops = ops;
  context->state = ops->prepare(context->state, aead->cipher, aead->key, seals);
  if (!context->state) return false;
  context->seals = seals;
  context->owner = aead;
  aead->lent = context;
  return true;
}

/* A context with these keys, or NULL. */
static struct tls_aead_context *lend(struct tls_aead *aead, struct tls_aead_pool *pool,
                                     bool seals) {
  if (!has(aead, seals) && !prepare(aead, pool, seals)) return NULL;
  aead->lent->used = true;
  return aead->lent;
}

/* A context for the next record. NULL when memory was refused, or when there is no next. */
static struct tls_aead_context *next_record(struct tls_aead *aead, struct tls_aead_pool *pool,
                                            bool seals, struct tls_aead_record *record) {
  assert(tls_aead_is_on(aead));
  if (aead->sequence == UINT64_MAX) return NULL;
  const uint64_t number = __builtin_bswap64(aead->sequence);
  uint64_t tail;
  memcpy(record->nonce, aead->iv, TLS_AEAD_IV_BYTES);
  memcpy(&tail, record->nonce + TLS_AEAD_IV_BYTES - sizeof tail, sizeof tail);
  tail ^= number;
  memcpy(record->nonce + TLS_AEAD_IV_BYTES - sizeof tail, &tail, sizeof tail);
  return lend(aead, pool, seals);
}

/* ---- sealing --------------------------------------------------------------------------------- */

bool tls_aead_seal(struct tls_aead *aead, struct tls_aead_pool *pool, uint8_t type,
                   const struct span *spans, size_t len, uint8_t *out) {
  assert(len <= TLS_RECORD_BYTES);
  const size_t payload = len + 1 + TAG_BYTES;
  struct tls_aead_record record = {
      .header = {SSL3_RT_APPLICATION_DATA, 3, 3, (uint8_t)(payload >> 8), (uint8_t)payload},
      .type = type,
  };
  struct tls_aead_context *context = next_record(aead, pool, true, &record);
  memcpy(out, record.header, HEADER_BYTES);
  if (!context || !context->ops->seal(context->state, &record, spans, len, out + HEADER_BYTES))
    return false;
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

bool tls_aead_open(struct tls_aead *aead, struct tls_aead_pool *pool, struct span in, uint8_t *out,
                   struct tls_aead_content *content) {
  if (in.len < tls_aead_bytes(0)) return false;
  const size_t len = in.len - HEADER_BYTES - TAG_BYTES;
  struct tls_aead_record record = {0};
  memcpy(record.header, in.base, HEADER_BYTES);
  struct tls_aead_context *context = next_record(aead, pool, false, &record);
  if (!context) return false;
  if (!context->ops->open(context->state, &record, in.base + HEADER_BYTES, len, out)) {
    OPENSSL_cleanse(out, len);
    return false;
  }
  *content = content_of(out, len);
  aead->sequence++;
  return true;
}
