/*
 * tls/records.h - the record layer of TLS 1.3 after the handshake, without OpenSSL: tls/receiver.h and tls/sender.h.
 *
 * OpenSSL is needed for the handshake. What it keeps afterwards of a connection, 14 KB, and its slow way to a record are
 * not: the handshake's result are two secrets.
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
