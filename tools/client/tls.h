/*
 * client/tls.h - the TLS context of clients.
 */
#ifndef WEIR_TOOLS_CLIENT_TLS_H
#define WEIR_TOOLS_CLIENT_TLS_H

#include <stdbool.h>

#include "tools/common/failure.h"

struct tls_context;

/* What ALPN offers, the first first. */
enum client_versions { CLIENT_HTTP2, CLIENT_HTTP1, CLIENT_HTTP2_OR_1 };

/* A zeroed one offers HTTP/2 and verifies against the system's authorities. */
struct client_tls_settings {
  enum client_versions versions;
  bool insecure;                    /* nothing is verified */
  bool resume;                      /* connections offer the last ticket of their client_server */
  const char *ca_path;              /* PEM; NULL: the system's authorities */
  const char *cert_path, *key_path; /* PEM, of a client certificate; NULL: none */
  const char *ciphers; /* of TLS 1.2 and 1.3, with colons between; NULL: all safe ones */
  const char *groups;  /* of the key exchange, likewise */
  const char *key_log; /* a file that the secrets are appended to (io/tls/key_log.h); NULL: none */
  unsigned minor_min, minor_max; /* of TLS 1.x, 2 or 3; 0: both */
};

/* With ciphers of one version of TLS only, only that version is offered. The caller frees the context. NULL with one
 * line in `failure`. */
__attribute__((warn_unused_result)) struct tls_context *
client_tls_create(const struct client_tls_settings *settings, const struct failure *failure);

#endif
