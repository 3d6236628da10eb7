/*
 * client/tls.h - TLS as the commands that are clients want it: ALPN h2 alone.
 */
#ifndef WEIR_TOOLS_CLIENT_TLS_H
#define WEIR_TOOLS_CLIENT_TLS_H

#include "tools/common/failure.h"

struct tls_context;

/* `ca_path` NULL: the system's authorities; not used with `insecure`. NULL with one line in
 * `failure`. The caller frees it. */
__attribute__((warn_unused_result)) struct tls_context *
client_tls_create(bool insecure, const char *ca_path, const struct failure *failure);

#endif
