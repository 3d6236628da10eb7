/*
 * tls/names.h - the names that a certificate is for, in the form in which they are compared.
 * Spec: RFC 5280 section 4.2.1.6, RFC 9525 section 6.
 *
 * The form: a host name is in lower case and without a final dot. "*.example.com" is ".example.com",
 * which no host name equals. An IP address is as inet_ntop() writes it.
 */
#ifndef WEIR_TLS_NAMES_H
#define WEIR_TLS_NAMES_H

#include "engine/base/machine.h"
#include "io/tls/limits.h"

struct x509_st;

/* A name as text; len 0: none. */
struct tls_name {
  uint16_t len;
  char text[TLS_NAME_BYTES_MAX + 1];
};

/* Calls `take` with each name of the certificate, in its order: those of subjectAltName; without a
 * DNS name or address there, the common name. Names that no client can ask for are left out: too long ones,
 * and wildcards that are not the whole first label. Stops, and returns false, when `take` does. */
__attribute__((warn_unused_result)) bool
tls_names_of(struct x509_st *leaf, bool (*take)(void *ctx, const struct tls_name *name), void *ctx);

/* A host as people write it: a name or an address, which may be in brackets. False, and no name, when
 * it is too long or empty, or begins with a dot. */
__attribute__((warn_unused_result)) bool tls_name_of_host(struct span host, struct tls_name *name);

/* The wildcard that would cover the name: ".example.com" of "www.example.com". Empty if there is
 * none; points into `name`. */
struct span tls_name_parent(const struct tls_name *name);

#endif
