/*
 * client/tls.h - the TLS context of clients.
 */
#ifndef WEIR_TOOLS_CLIENT_TLS_H
#define WEIR_TOOLS_CLIENT_TLS_H

#include "tools/common/failure.h"

struct tls_context;

/* What ALPN offers, the first first. */
enum client_versions { CLIENT_HTTP2, CLIENT_HTTP1, CLIENT_HTTP2_OR_1 };

/* With `ca_path` NULL the system's authorities are trusted. With `insecure` nothing is verified.
 * The caller frees the context. NULL with one line in `failure`. */
__attribute__((warn_unused_result)) struct tls_context *
client_tls_create(enum client_versions versions, bool insecure, const char *ca_path,
                  const struct failure *failure);

#endif
