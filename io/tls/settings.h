/*
 * tls/settings.h - what a tls_context is made from.
 */
#ifndef WEIR_TLS_SETTINGS_H
#define WEIR_TLS_SETTINGS_H

#include "engine/base/machine.h"

struct certificate;

struct tls_settings {
  bool client;

  /* Server: required; tls_context_set_certificates() takes more. Client: shown to a server that asks for
   * one; NULL: none. Borrowed only during tls_context_create(). */
  const struct certificate *certificate;

  /* ALPN tokens in order of preference, each 1 .. 255 characters; copied. Server: a client that
   * offers ALPN but none of these gets the alert no_application_protocol; one that offers no ALPN
   * at all is accepted and its machine_peer.application_protocol is "". With none given, ALPN is
   * left out. */
  const char *const *protocols;
  size_t protocol_count;

  /* Server: what to answer to a peer whose first byte begins no TLS record. `in` is what came first, at
   * least that byte. At most TLS_RECORD_BYTES, static; empty, or without this function: a TLS alert. */
  struct span (*answer_clear_text)(struct span in);

  /* Client: refuse a certificate that no authority vouches for or of another name. Server: ask for a
   * certificate, and refuse one that no authority vouches for; machine_peer.verified says whether there
   * was one. */
  bool verify;
  bool require;        /* server, with `verify`: refuse clients that show no certificate */
  const char *ca_path; /* PEM file of authorities; NULL: the system's */
  const char *ca_pem;  /* their PEM text instead; borrowed only during tls_context_create() */
  bool resume; /* client: keep the last ticket per factory and offer it with the next connection */

  /* Other suites and groups than the policy's, in OpenSSL's words: those of TLS 1.2, those of TLS 1.3,
   * and of both. NULL: the policy's. A server with suites of its own prefers the first. */
  const char *suites_1_2, *suites_1_3, *groups;

  const char *key_log_path; /* see tls/key_log.h; NULL: secrets are written nowhere */

  /* 0: no limit of its own. Otherwise TLS1_2_VERSION or TLS1_3_VERSION. */
  int version_min, version_max;
};

#endif
