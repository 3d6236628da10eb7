/*
 * tls/records.h - the record layer of TLS 1.3 after the handshake, without OpenSSL: tls/receiver.h and tls/sender.h.
 *
 * OpenSSL is needed for the handshake alone: the result of that is two secrets. Without OpenSSL a connection saves
 * 14 KB, and records are sealed and opened where they lie.
 */
#ifndef WEIR_TLS_RECORDS_H
#define WEIR_TLS_RECORDS_H

#include "io/tls/receiver.h"
#include "io/tls/sender.h"

struct tls_openssl;

struct tls_records {
  struct tls_receiver receiver;
  struct tls_sender sender;
};

/* Goes on from where OpenSSL is, which must not be asked for records any more; the caller frees it. Keeps pool and
 * slab. NULL, and OpenSSL can go on, where tls_openssl_hand_over() refuses, the cipher is not ours, or memory was
 * refused. */
__attribute__((warn_unused_result)) struct tls_records *
tls_records_take_over(const struct tls_openssl *openssl, struct tls_aead_pool *pool,
                      struct tls_slab *slab, bool client);

/* NULL is allowed. */
void tls_records_free(struct tls_records *records);

#endif
