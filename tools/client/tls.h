/*
 * client/tls.h - the TLS context of clients. ALPN offers h2 only.
 */
#ifndef WEIR_TOOLS_CLIENT_TLS_H
#define WEIR_TOOLS_CLIENT_TLS_H

#include "tools/common/failure.h"

struct tls_context;

/* With `ca_path` NULL the system's authorities are trusted. With `insecure` nothing is verified.
 * The caller frees the context. NULL with one line in `failure`. */
__attribute__((warn_unused_result)) struct tls_context *
client_tls_create(bool insecure, const char *ca_path, const struct failure *failure);

#endif
