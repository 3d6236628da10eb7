/*
 * tls/schedule.h - the key schedule of TLS 1.3 for OpenSSL: a provider with the function that derives secrets.
 * Spec: RFC 8446 section 7.1; provider-kdf(7), EVP_KDF-TLS13_KDF(7).
 *
 * A handshake derives 20 secrets and keys. This is faster than OpenSSL's own (tls/hkdf.h), and it sees the traffic
 * secrets, which OpenSSL tells to nobody but a key log, in hexadecimal.
 */
#ifndef WEIR_TLS_SCHEDULE_H
#define WEIR_TLS_SCHEDULE_H

#include "io/tls/secret.h"

/* What an SSL_CTX has to look for functions with, to find this one. It finds all others as without. */
#define TLS_SCHEDULE_QUERY "?provider=weir"

/* Adds the provider to OpenSSL, once a process. If that is refused, OpenSSL's own function is found. */
void tls_schedule_install(void);

/* From now on, the traffic secrets that this thread derives at the end of a handshake are noted there; NULL:
 * nowhere. */
void tls_schedule_note(struct tls_secrets *secrets);

#endif
