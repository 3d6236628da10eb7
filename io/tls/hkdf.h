/*
 * tls/hkdf.h - the two functions that secrets of TLS 1.3 come from.
 * Spec: RFC 5869 (HKDF), RFC 2104 (HMAC), RFC 8446 section 7.1 (HKDF-Expand-Label).
 *
 * OpenSSL 3.0's own look up digest and MAC by name in each call, which takes longer than hashing: 3 us for a secret,
 * and 1 us here.
 */
#ifndef WEIR_TLS_HKDF_H
#define WEIR_TLS_HKDF_H

#include "engine/base/machine.h"

/* Fixed by SHA-384, the longest hash of a cipher in TLS 1.3. */
enum { TLS_HASH_BYTES_MAX = 48 };

struct tls_hash;

enum tls_hash_kind { TLS_SHA_256, TLS_SHA_384, TLS_HASHES };

/* NULL: OpenSSL has it not. Looked up once a process, never freed. */
const struct tls_hash *tls_hash_of(enum tls_hash_kind kind);

/* By one of OpenSSL's names for it; NULL: another hash. */
const struct tls_hash *tls_hash_named(const char *name);

size_t tls_hash_bytes(const struct tls_hash *hash);

/* Of nothing. */
struct span tls_hash_of_nothing(const struct tls_hash *hash);

/* A secret from input keying material, with a salt of at most the hash's length (asserted). False when
 * memory was refused. */
__attribute__((warn_unused_result)) bool
tls_hkdf_extract(const struct tls_hash *hash, struct span salt, struct span input, uint8_t *out);

/* What struct HkdfLabel holds besides the length. `prefix` is "tls13 " in TLS. */
struct tls_hkdf_label {
  struct span prefix, label, context;
};

/* HKDF-Expand-Label() of a secret of at most the hash's length (asserted). False when a text is longer than the
 * struct can hold, `len` is more than 255 hashes, or memory was refused. */
__attribute__((warn_unused_result)) bool tls_hkdf_expand(const struct tls_hash *hash,
                                                         struct span secret,
                                                         const struct tls_hkdf_label *label,
                                                         uint8_t *out, size_t len);

#endif
