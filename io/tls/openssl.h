/*
 * tls/openssl.h - OpenSSL's part of a connection: the handshake, and the records until tls/records.h takes over; all of
 * them where that cannot be (TLS 1.2, other ciphers).
 *
 * Ownership: its own allocation of about 14 KB with OpenSSL's, which a connection gives up when it can.
 */
#ifndef WEIR_TLS_OPENSSL_H
#define WEIR_TLS_OPENSSL_H

#include "engine/base/machine.h"
#include "io/tls/bio.h"
#include "io/tls/context.h"
#include "io/tls/read.h"

struct ssl_st;
struct tls_credit;
struct tls_factory;

struct tls_openssl {
  struct ssl_st *ssl;
  struct tls_bio bio;
  struct tls_notes notes;
  struct tls_credit *credit;
  uint64_t record_bytes; /* bytes of the records whose header was read */
  uint64_t records;      /* the same, how many, since `open` */
  uint32_t key_records;  /* that our present key has encrypted, about */
  bool open;             /* the handshake is complete: floods are watched for */
  bool resumes;          /* a client that wants a ticket */
  bool updated;          /* the peer has changed its keys */
  bool abused;           /* a flood, or renegotiation */
};

/* What is to be known to go on without OpenSSL. */
struct tls_handover {
  const struct tls_secret *receive_secret, *send_secret;
  uint64_t received; /* number of the next record */
  /* As OpenSSL has given them to the BIO; their cipher is the connection's. */
  const struct tls_aead *send_keys;
};

/* A connection before its handshake. It reads from `input` and writes to `output`, keeps these and the credit. NULL
 * when memory was refused. */
__attribute__((warn_unused_result)) struct tls_openssl *
tls_openssl_create(struct tls_factory *factory, struct span *input, struct tls_slab *output,
                   struct tls_credit *credit);

/* NULL is allowed. */
void tls_openssl_free(struct tls_openssl *openssl);

/* The handshake is complete. */
void tls_openssl_opened(struct tls_openssl *openssl);

/* What to go on with in OpenSSL's place; it borrows from `openssl`. False when OpenSSL has to go on: it speaks
 * something else than tls/records.h does, is in the middle of a record, or waits for a ticket. */
__attribute__((warn_unused_result)) bool tls_openssl_hand_over(const struct tls_openssl *openssl,
                                                               struct tls_handover *handover);

/* Fills `size` bytes at `out` with the plaintext of whole records. */
__attribute__((warn_unused_result)) enum tls_read
tls_openssl_read(struct tls_openssl *openssl, uint8_t *out, size_t size, size_t *len);

enum tls_written { TLS_WRITTEN, TLS_WRITTEN_LATER, TLS_WRITTEN_FAILED };

/* One record with the first `len` bytes of the spans, for which there is room. After `key_records_max` another key is
 * used. TLS_WRITTEN_LATER: OpenSSL has something else to write first. */
__attribute__((warn_unused_result)) enum tls_written tls_openssl_write(struct tls_openssl *openssl,
                                                                       struct tls_factory *factory,
                                                                       const struct span *spans,
                                                                       size_t len);

/* Sends close_notify. */
void tls_openssl_close(struct tls_openssl *openssl);

/* Why OpenSSL has failed: static text. */
const char *tls_openssl_error(const struct tls_openssl *openssl);

#endif
