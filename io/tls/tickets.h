/*
 * tls/tickets.h - the keys of session tickets: made here and replaced in time, or given from outside, so that
 * several machines accept each other's.
 * Spec: RFC 5077 section 4 (the ticket's form); the keys' form is nginx's.
 *
 * Made here: the newest key encrypts for TLS_TICKET_KEY_SECONDS, and is then replaced by whichever thread
 * first notices; the one before still decrypts for as long as a ticket lives.
 * Given: the first key encrypts, all decrypt, and none ages.
 *
 * Ownership: part of a tls_context. Thread-safe; the lock is held for a copy of 80 bytes a handshake.
 */
#ifndef WEIR_TLS_TICKETS_H
#define WEIR_TLS_TICKETS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/tls/limits.h"

struct io_error;
struct ssl_ctx_st;

struct tls_ticket_key {
  unsigned char name[16]; /* travels in the clear: which key it was */
  unsigned char mac[32];
  unsigned char cipher[32];
};

struct tls_tickets {
  pthread_mutex_t lock;
  bool given; /* keys do not age */
  unsigned count;
  struct tls_ticket_key keys[TLS_TICKET_GIVEN_MAX];
  int64_t made_seconds[TLS_TICKET_KEYS]; /* of keys made here: on the monotonic clock */
};

/* With a key made here. False when there is no randomness; tls_tickets_destroy() is still to be called. */
__attribute__((warn_unused_result)) bool tls_tickets_init(struct tls_tickets *tickets);

void tls_tickets_destroy(struct tls_tickets *tickets);

/* Makes the SSL_CTX of a server use them. False when OpenSSL refuses. */
__attribute__((warn_unused_result)) bool tls_tickets_install(struct tls_tickets *tickets,
                                                             struct ssl_ctx_st *ssl);

/* Whether these are keys: TLS_TICKET_KEY_BYTES each (16 of its name, 32 of its HMAC, 32 of AES), 1 ..
 * TLS_TICKET_GIVEN_MAX of them. False when the length is none of these, or two have the same name, with one line in
 * `error`. */
__attribute__((warn_unused_result)) bool tls_tickets_fit(const void *bytes, size_t len,
                                                         struct io_error *error);

/* Replaces all keys by given ones. False as above, and nothing has changed. */
__attribute__((warn_unused_result)) bool tls_tickets_give(struct tls_tickets *tickets,
                                                          const void *bytes, size_t len,
                                                          struct io_error *error);

#endif
