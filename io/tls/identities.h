/*
 * tls/identities.h - the certificates of a server, and which of them are for a name.
 * Spec: RFC 6066 section 3 (server_name), RFC 9525 section 6.3 (wildcards stand for one label).
 *
 * A name that a certificate lists, exactly or with a wildcard, has an identity: at most one certificate
 * for each kind of key (RSA, ECDSA, ...), between which OpenSSL decides by the client's signature
 * algorithms. Of several certificates that fit, an exact name goes before a wildcard, and the earlier
 * in the list goes first. Any other name, and a client that sends none, gets the identity of the first
 * certificate's first name.
 *
 * Ownership: a set is immutable and has its own references to what the certificates own. It is freed
 * when the last reference is released, so that a new set can replace it while connections still refer
 * to the old one. Thread-safe.
 */
#ifndef WEIR_TLS_IDENTITIES_H
#define WEIR_TLS_IDENTITIES_H

#include "engine/base/machine.h"

struct certificate;
struct io_error;
struct ssl_st;
struct tls_identities;
struct tls_identity; /* one of a set; refers to all of it */

/* Of 1 or more certificates (asserted). NULL when memory was refused, with one line in `error`. The
 * caller has the first reference. */
__attribute__((warn_unused_result)) struct tls_identities *
tls_identities_create(const struct certificate *const *certificates, size_t count,
                      struct io_error *error);

void tls_identities_hold(struct tls_identities *identities);

/* NULL is allowed. */
void tls_identities_release(struct tls_identities *identities);

/* What a client that asks for `name` gets; NULL: it asked for none. Never NULL; lives as long as the
 * set. */
const struct tls_identity *tls_identities_find(const struct tls_identities *identities,
                                               const char *name);

/* The set that it belongs to. */
struct tls_identities *tls_identity_set(const struct tls_identity *identity);

/* Gives its certificates to a server's handshake. False when OpenSSL refuses. */
__attribute__((warn_unused_result)) bool tls_identity_use(const struct tls_identity *identity,
                                                          struct ssl_st *ssl);

enum tls_cover {
  TLS_COVERED,           /* a certificate of the identity lists the name */
  TLS_COVERED_ELSEWHERE, /* another one does: a new connection that asks for the name would get it */
  TLS_NOT_COVERED,
};

/* Whether a client that was shown the identity may take the server for `name`: a host name, with or
 * without the final dot, or an IP address, an IPv6 address also in brackets. Letter case is ignored.
 * Costs some tens of nanoseconds; nothing is allocated. */
enum tls_cover tls_identity_cover(const struct tls_identity *identity, struct span name);

#endif
