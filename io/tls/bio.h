/*
 * tls/bio.h - OpenSSL's socket, without a socket: it reads from borrowed bytes and writes to a
 * slab.
 *
 * Reading takes bytes straight out of the span that the host lent to recv(); OpenSSL itself keeps
 * what it has read of an incomplete record. With nothing to read, or no room to write, OpenSSL is told
 * to try again later. Writing fails only when memory is refused.
 *
 * Once it has the keys of our direction (see tls/seal.h), OpenSSL writes plaintext here, one record at a time, and
 * the BIO seals it.
 */
#ifndef WEIR_TLS_BIO_H
#define WEIR_TLS_BIO_H

#include "engine/base/machine.h"
#include "io/tls/aead.h"
#include "io/tls/slab.h"

struct bio_st;

struct tls_bio {
  struct span *input; /* its owner's: borrowed for the call under way; empty between calls */
  struct tls_slab *output;
  uint64_t input_bytes; /* read so far */
  struct tls_aead seal; /* our direction's keys, once OpenSSL has given them up */
  struct tls_aead_pool *aeads;
  uint8_t control; /* content type of the record that OpenSSL writes next; 0: application data */
};

/* A BIO that reads and writes through `bio`, which must outlive it; NULL when memory is refused. */
__attribute__((warn_unused_result)) struct bio_st *tls_bio_create(struct tls_bio *bio);

/* Appends a record with the first `len` bytes of the spans, at most TLS_RECORD_BYTES, past OpenSSL: only while
 * `bio->seal` is on and OpenSSL has nothing to write. False if there was no room, or no memory. */
__attribute__((warn_unused_result)) bool tls_bio_seal(struct tls_bio *bio, const struct span *spans,
                                                      size_t len);

/* Wipes the keys. */
void tls_bio_clear(struct tls_bio *bio);

#endif
