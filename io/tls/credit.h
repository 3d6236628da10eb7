/*
 * tls/credit.h - a token bucket against floods of records that carry next to nothing.
 *
 * A record costs TLS_RECORD_COST_BYTES and earns its plaintext; a handshake message after the
 * handshake (KeyUpdate, a ticket, a wish to renegotiate) costs TLS_HANDSHAKE_COST_BYTES. A second
 * brings everything back. So only floods end a connection: about a thousand records a second that
 * carry next to nothing, or about thirty KeyUpdates.
 */
#ifndef WEIR_TLS_CREDIT_H
#define WEIR_TLS_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "io/tls/limits.h"

struct tls_credit {
  int64_t bytes; /* up to TLS_CREDIT_BYTES; negative: spent */
  uint64_t refilled_ns;
};

static inline void tls_credit_init(struct tls_credit *credit, uint64_t now_ns) {
  *credit = (struct tls_credit){.bytes = TLS_CREDIT_BYTES, .refilled_ns = now_ns};
}

static inline void tls_credit_earn(struct tls_credit *credit, uint64_t bytes) {
  uint64_t missing = (uint64_t)(TLS_CREDIT_BYTES - credit->bytes);
  credit->bytes += (int64_t)(bytes < missing ? bytes : missing);
}

static inline void tls_credit_charge(struct tls_credit *credit, unsigned bytes) {
  credit->bytes -= bytes;
}

static inline bool tls_credit_is_spent(const struct tls_credit *credit) {
  return credit->bytes < 0;
}

static inline void tls_credit_refill(struct tls_credit *credit, uint64_t now_ns) {
  uint64_t elapsed_ns = now_ns > credit->refilled_ns ? now_ns - credit->refilled_ns : 0;
  if (elapsed_ns > IO_SECOND) elapsed_ns = IO_SECOND;
  uint64_t earned = elapsed_ns * TLS_CREDIT_BYTES / IO_SECOND;
  if (earned == 0) return; /* the fraction is kept for next time */
  credit->refilled_ns = now_ns;
  tls_credit_earn(credit, earned);
}

#endif
