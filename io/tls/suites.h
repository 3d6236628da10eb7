/*
 * tls/suites.h - the cipher suites and groups of an SSL_CTX.
 * Spec: RFC 9113 section 9.2.2 and appendix A (the strictest of the policies that protocols above ask for): with TLS
 * 1.2 only suites with ephemeral keys and AEAD.
 */
#ifndef WEIR_TLS_SUITES_H
#define WEIR_TLS_SUITES_H

#include "io/tls/settings.h"

struct io_error;
struct ssl_ctx_st;

/* Those of the settings, or else the policy's: see tls/context.h. False with one line in `error` that names the list
 * that OpenSSL does not understand. */
__attribute__((warn_unused_result)) bool
tls_suites_set(struct ssl_ctx_st *ssl, const struct tls_settings *settings, struct io_error *error);

#endif
