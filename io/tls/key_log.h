/*
 * tls/key_log.h - the secrets of connections, written to a file for tools that decrypt recordings of the
 * network (Wireshark). Whoever has the file can decrypt everything: for debugging only.
 * Spec: draft-ietf-tls-keylogfile, also known as SSLKEYLOGFILE.
 */
#ifndef WEIR_TLS_KEY_LOG_H
#define WEIR_TLS_KEY_LOG_H

#include <stdbool.h>

struct io_error;
struct ssl_ctx_st;

/* Opens the file, which is made with mode 0600, for lines of the SSL_CTX. The descriptor lives as long as the SSL_CTX.
 * False with one line in `error`. */
__attribute__((warn_unused_result)) bool tls_key_log_open(struct ssl_ctx_st *ssl, const char *path,
                                                          struct io_error *error);

/* The same into the file of the other SSL_CTX, if that has one. */
__attribute__((warn_unused_result)) bool
tls_key_log_share(struct ssl_ctx_st *ssl, struct ssl_ctx_st *other, struct io_error *error);

#endif
