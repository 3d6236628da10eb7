/*
 * tls/burst.h - dynamic record sizing: small records at first and after a pause (TLS_SMALL_RECORD_BYTES), then full
 * ones. And how much is encrypted ahead: less in the midst of a long answer (TLS_AHEAD_BYTES).
 */
#ifndef WEIR_TLS_BURST_H
#define WEIR_TLS_BURST_H

#include <stddef.h>
#include <stdint.h>

#include "io/tls/limits.h"

struct tls_burst {
  uint64_t sent_ns; /* when the last record was encrypted */
  uint32_t bytes;   /* encrypted since the last pause, as far as that matters */
  uint32_t run;     /* the same since there was last nothing to send */
};

/* Bytes of plaintext for the next record. What a slow link's budget leaves makes smaller records, too. */
static inline size_t tls_burst_limit(struct tls_burst *burst, size_t budget_left_bytes,
                                     uint64_t now_ns) {
  if (now_ns > burst->sent_ns && now_ns - burst->sent_ns > TLS_IDLE_NS) burst->bytes = 0;
  if (burst->bytes < TLS_SMALL_RECORDS_BYTES || budget_left_bytes < TLS_SMALL_RECORD_BYTES)
    return TLS_SMALL_RECORD_BYTES;
  return budget_left_bytes < TLS_RECORD_BYTES ? budget_left_bytes : TLS_RECORD_BYTES;
}

static inline void tls_burst_wrote(struct tls_burst *burst, size_t bytes, uint64_t now_ns) {
  if (burst->bytes < TLS_SMALL_RECORDS_BYTES) burst->bytes += (uint32_t)bytes;
  if (burst->run < TLS_LONG_BYTES) burst->run += (uint32_t)bytes;
  burst->sent_ns = now_ns;
}

/* There is nothing more to send for now. */
static inline void tls_burst_rest(struct tls_burst *burst) {
  burst->run = 0;
}

/* Bytes of ciphertext that may wait to be sent, as far as the slab has room. */
static inline size_t tls_burst_ahead(const struct tls_burst *burst) {
  return burst->run < TLS_LONG_BYTES ? TLS_SLAB_BYTES : TLS_AHEAD_BYTES;
}

#endif
