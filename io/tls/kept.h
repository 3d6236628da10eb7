/*
 * tls/kept.h - a copy of plaintext that the inner machine did not take: at most TLS_PLAINTEXT_BYTES, because nothing
 * more is decrypted until it is gone. All zero: there is none. Memory is from malloc.
 */
#ifndef WEIR_TLS_KEPT_H
#define WEIR_TLS_KEPT_H

#include <stdlib.h>
#include <string.h>

#include "engine/base/machine.h"

struct tls_kept {
  uint8_t *bytes;      /* NULL: none */
  uint32_t begin, end; /* those that are left; `begin` < `end`, or both 0 */
};

static inline void tls_kept_drop(struct tls_kept *kept) {
  free(kept->bytes);
  *kept = (struct tls_kept){.bytes = NULL};
}

/* There is none yet. False when memory was refused. */
__attribute__((warn_unused_result)) static inline bool tls_kept_put(struct tls_kept *kept,
                                                                    struct span bytes) {
  kept->bytes = (uint8_t *)malloc(bytes.len);
  if (!kept->bytes) return false;
  memcpy(kept->bytes, bytes.base, bytes.len);
  kept->end = (uint32_t)bytes.len;
  return true;
}

static inline struct span tls_kept_rest(const struct tls_kept *kept) {
  return span_of(kept->bytes + kept->begin, kept->end - kept->begin);
}

/* The first `len` bytes of the rest have been taken. */
static inline void tls_kept_took(struct tls_kept *kept, size_t len) {
  kept->begin += (uint32_t)len;
  if (kept->begin == kept->end) tls_kept_drop(kept);
}

#endif
