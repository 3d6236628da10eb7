/*
 * tls/aead.h - the keys of one direction of a TLS 1.3 connection: they seal plaintext into records, straight from
 * where it lies to where it is sent from, or open the peer's records.
 * Spec: RFC 8446 sections 5.2 and 5.3.
 *
 * Keys stay with their connection. What the cipher makes of them, a context of about a kilobyte, is lent by the worker
 * to the keys that were used last.
 *
 * No key is used in both directions. The number of a record is its nonce: it is never used twice, and never wraps.
 */
#ifndef WEIR_TLS_AEAD_H
#define WEIR_TLS_AEAD_H

#include "engine/base/machine.h"
#include "io/tls/aead_cipher.h"
#include "io/tls/limits.h"

/* One direction's keys. All zero: none. Stays where it is from its first use until tls_aead_end(). */
struct tls_aead {
  uint8_t cipher; /* enum tls_aead_cipher */
  uint8_t iv[TLS_AEAD_IV_BYTES];
  uint8_t key[TLS_AEAD_KEY_BYTES];
  uint64_t sequence;             /* number of the next record */
  struct tls_aead_context *lent; /* used last; its owner may be another by now */
};

struct tls_aead_context {
  void *state;                    /* with the owner's key; NULL: not used yet */
  const struct tls_aead_ops *ops; /* that made it */
  const struct tls_aead *owner;   /* NULL: it is gone, or its key is not set */
  bool seals;                     /* else it opens */
  bool used;                      /* since the last trim */
};

/* One worker's. */
struct tls_aead_pool {
  const struct tls_aead_ops *ops[TLS_AEAD_CIPHERS]; /* NULL: no library has the cipher */
  struct tls_aead_context at[TLS_AEAD_CONTEXTS];
  uint32_t next; /* the one that is given to other keys next */
};

/* The library that does a cipher's work, and for which processor: static text, "" if there is none. */
const char *tls_aead_library(enum tls_aead_cipher cipher);

/* The first call in a process looks for the fastest functions, and tests them: half a millisecond. */
void tls_aead_pool_init(struct tls_aead_pool *pool);

/* To be called about once a second: wipes and frees the contexts that the last second did not need, so that idle
 * connections have none. */
void tls_aead_pool_trim(struct tls_aead_pool *pool);

/* No keys may be used any more. */
void tls_aead_pool_destroy(struct tls_aead_pool *pool);

/* Takes keys: `key` has the length that the cipher wants, `sequence` is the number of the first record. Those that
 * were there are forgotten. False, and nothing happened, if no library has the cipher. */
__attribute__((warn_unused_result)) bool
tls_aead_begin(struct tls_aead *aead, const struct tls_aead_pool *pool, enum tls_aead_cipher cipher,
               const uint8_t *key, const uint8_t iv[TLS_AEAD_IV_BYTES], uint64_t sequence);

/* Wipes the keys, also in the context that was lent. */
void tls_aead_end(struct tls_aead *aead);

static inline bool tls_aead_is_on(const struct tls_aead *aead) {
  return aead->cipher != TLS_AEAD_NONE;
}

/* Bytes of a record with `len` bytes of content and no padding. */
static inline size_t tls_aead_bytes(size_t len) {
  return TLS_AEAD_HEADER_BYTES + len + 1 + TLS_AEAD_TAG_BYTES;
}

/* Writes a record of content `type` to `out`, with the first `len` bytes of the spans, at most TLS_RECORD_BYTES:
 * tls_aead_bytes(len) bytes, which may not overlap the plaintext. False when memory was refused, or after 2^64 - 1
 * records; the record was then not counted, and must not be sent. */
__attribute__((warn_unused_result)) bool tls_aead_seal(struct tls_aead *aead,
                                                       struct tls_aead_pool *pool, uint8_t type,
                                                       const struct span *spans, size_t len,
                                                       uint8_t *out);

/* A record's content; its padding is gone. */
struct tls_aead_content {
  size_t len;
  /* 0: there was nothing but padding, which ends a connection (RFC 8446 section 5.4). */
  uint8_t type;
};

/* Opens `in`, a whole record, header included, that the peer has sent. The content begins at `out`, which has room for
 * in.len - 21 bytes and is either in.base + 5 (in place) or does not overlap the record. It is the caller who
 * knows how long a record may be, and of which type its header.
 * False when the tag is wrong, the record is too short to have one, memory was refused, or after 2^64 - 1 records: the
 * connection must end, and `out` contains nothing of the plaintext. */
__attribute__((warn_unused_result)) bool tls_aead_open(struct tls_aead *aead,
                                                       struct tls_aead_pool *pool, struct span in,
                                                       uint8_t *out,
                                                       struct tls_aead_content *content);

#endif
