/*
 * tls/suites.c - see tls/suites.h.
 */
#include "io/tls/suites.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/base/error.h"
#include "io/tls/refused.h"

/* Only suites with ephemeral keys and AEAD. RFC 9113 section 9.2.2 and appendix A. */
static const char client_suites_1_2[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

/* AES-128 before AES-256: as strong in practice, and a third fewer rounds. */
static const char client_suites_1_3[] =
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";

static const char client_groups[] = "X25519:P-256:P-384";

/* None of the names in the list means anything to OpenSSL, which says so in a roundabout way. */
static bool unknown_names(struct io_error *error, const char *list, const char *what) {
  ERR_clear_error();
  return io_error_set(error, 0, "%s: OpenSSL has no such %s", list, what);
}

/* NULL: as they are. OpenSSL skips names that it does not know as long as it knows one. */
static bool set_lists(SSL_CTX *ssl, const char *suites_1_2, const char *suites_1_3,
                      const char *groups, struct io_error *error) {
  if (suites_1_2 && SSL_CTX_set_cipher_list(ssl, suites_1_2) != 1)
    return unknown_names(error, suites_1_2, "cipher");
  if (suites_1_3 && SSL_CTX_set_ciphersuites(ssl, suites_1_3) != 1)
    return unknown_names(error, suites_1_3, "cipher");
  if (groups && SSL_CTX_set1_groups_list(ssl, groups) != 1)
    return unknown_names(error, groups, "group");
  return true;
}

static const char *or_default(const char *given, const char *policy) {
  return given ? given : policy;
}

static bool set_client_suites(SSL_CTX *ssl, const struct tls_settings *settings,
                              struct io_error *error) {
  return set_lists(ssl, or_default(settings->suites_1_2, client_suites_1_2),
                   or_default(settings->suites_1_3, client_suites_1_3),
                   or_default(settings->groups, client_groups), error);
}

/* With an ephemeral key and AEAD: RFC 9113 section 9.2.2 and appendix A. */
static bool is_allowed(const SSL_CIPHER *cipher) {
  return SSL_CIPHER_is_aead(cipher) && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe &&
         SSL_CIPHER_get_auth_nid(cipher) != NID_auth_null;
}

/* Leaves those suites of TLS 1.2 that are allowed. Without any, TLS 1.3 alone is spoken, unless a list was
 * `given`. */
static bool keep_allowed(SSL_CTX *ssl, const char *given, struct io_error *error) {
  STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ssl);
  char *list = NULL;
  size_t size;
  FILE *out = open_memstream(&list, &size);
  if (!out) return io_error_set(error, 0, "no memory for TLS");
  for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
    const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
    if (is_allowed(cipher)) fprintf(out, ":%s", SSL_CIPHER_get_name(cipher));
  }
  bool good = fclose(out) == 0, any = good && size > 0;
  if (any) good = SSL_CTX_set_cipher_list(ssl, list + 1) == 1;
  if (good && !any) good = !given && SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) == 1;
  free(list);
  if (good) return true;
  return given ? io_error_set(error, 0, "%s: no cipher of TLS 1.2 with ECDHE and AEAD", given)
               : tls_refused(error, "ciphers");
}

/* OpenSSL's, which the system's policy decides on, in the client's order; given ones in their own order. */
static bool set_server_suites(SSL_CTX *ssl, const struct tls_settings *settings,
                              struct io_error *error) {
  const char *suites_1_2 = settings->suites_1_2, *suites_1_3 = settings->suites_1_3;
  if (suites_1_2 || suites_1_3) SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
  return set_lists(ssl, suites_1_2, suites_1_3, settings->groups, error) &&
         keep_allowed(ssl, suites_1_2, error);
}

bool tls_suites_set(SSL_CTX *ssl, const struct tls_settings *settings, struct io_error *error) {
  return (settings->client ? set_client_suites : set_server_suites)(ssl, settings, error);
}
