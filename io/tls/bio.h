/*
 * tls/bio.h - OpenSSL's socket, without a socket: it reads from borrowed bytes and writes to a
 * slab.
 *
 * Reading takes bytes straight out of the span that the host lent to recv(); OpenSSL itself keeps
 * what it has read of an incomplete record. With nothing to read, or no room to write, OpenSSL is told
 * to try again later. Writing fails only when memory for a slab is refused.
 */
#ifndef WEIR_TLS_BIO_H
#define WEIR_TLS_BIO_H

#include "engine/base/machine.h"
#include "io/tls/slab.h"

struct bio_st;

struct tls_bio {
  struct span input; /* borrowed for the call under way; empty between calls */
  struct tls_slab output;
  uint64_t input_bytes; /* read so far */
};

/* A BIO that reads and writes through `bio`, which must outlive it; NULL when memory is refused. */
__attribute__((warn_unused_result)) struct bio_st *tls_bio_create(struct tls_bio *bio);

#endif
