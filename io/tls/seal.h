/*
 * tls/seal.h - the keys of our direction, which OpenSSL gives us instead of the kernel.
 * Spec: linux/tls.h.
 *
 * OpenSSL's own way copies each byte twice: before it encrypts, and to its BIO afterwards. But it can leave
 * encryption to the kernel (SSL_OP_ENABLE_KTLS): it then gives the BIO the keys of our direction, and writes
 * plaintext. Our BIO takes the keys in the kernel's place, and seals with them: see tls/aead.h. As long as OpenSSL
 * goes on, it decides on every alert, ticket and KeyUpdate; these come through the BIO, and are sealed with the same
 * sequence numbers. When tls/records.h takes over, the number of the next record is known from here.
 *
 * Where this cannot be (TLS 1.2, a cipher other than AES-GCM and ChaCha20-Poly1305, an OpenSSL without it, after
 * a KeyUpdate), OpenSSL encrypts.
 */
#ifndef WEIR_TLS_SEAL_H
#define WEIR_TLS_SEAL_H

#include "io/tls/aead.h"

/* `info` begins with struct tls_crypto_info. False, and nothing happened, if its keys are not of a kind that we use. */
__attribute__((warn_unused_result)) bool
tls_seal_begin(struct tls_aead *aead, const struct tls_aead_pool *pool, const void *info);

#endif
