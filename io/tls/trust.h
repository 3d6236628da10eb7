/*
 * tls/trust.h - whose certificates a peer may show: authorities, names, and whether it must show one at all.
 * Spec: RFC 5280 section 6 (the path, which OpenSSL checks), RFC 6066 section 3 (server_name).
 */
#ifndef WEIR_TLS_TRUST_H
#define WEIR_TLS_TRUST_H

#include "io/tls/settings.h"

struct io_error;
struct ssl_ctx_st;
struct ssl_st;

/* Has connections of the SSL_CTX verify their peers as the settings say. A server that does so tells clients its
 * authorities, and accepts no session of a server that asks for something else. False with one line in `error`. */
__attribute__((warn_unused_result)) bool
tls_trust_set(struct ssl_ctx_st *ssl, const struct tls_settings *settings, struct io_error *error);

/* A client's, before the handshake: its name for the server, "" for none. Verified in any case, sent unless it is
 * an address. False when memory was refused, or OpenSSL takes it for no name. */
__attribute__((warn_unused_result)) bool tls_trust_expect(struct ssl_st *ssl, const char *name);

/* After the handshake: whether the peer has shown a certificate, and it was verified. */
__attribute__((warn_unused_result)) bool tls_trust_verified(const struct ssl_st *ssl);

#endif
