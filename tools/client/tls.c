/*
 * client/tls.c - see client/tls.h.
 */
#include "tools/client/tls.h"

#include <openssl/tls1.h>
#include <stdio.h>
#include <string.h>

#include "io/base/error.h"
#include "io/tls/certificate.h"
#include "io/tls/context.h"
#include "tools/client/limits.h"

/* ---- ciphers --------------------------------------------------------------------------------- */

/* The suites of TLS 1.2 and those of TLS 1.3, which OpenSSL takes apart. */
struct suites {
  char of_1_2[CLIENT_CIPHERS_BYTES], of_1_3[CLIENT_CIPHERS_BYTES];
};

static void append(char *list, const char *name, size_t len) {
  size_t at = strlen(list);
  snprintf(list + at, CLIENT_CIPHERS_BYTES - at, "%s%.*s", at ? ":" : "", (int)len, name);
}

/* The names of TLS 1.3 begin with TLS_. */
static void sort_out(const char *ciphers, struct suites *suites) {
  for (size_t len; *ciphers; ciphers += len + (ciphers[len] == ':')) {
    len = strcspn(ciphers, ":");
    append(strncmp(ciphers, "TLS_", 4) == 0 ? suites->of_1_3 : suites->of_1_2, ciphers, len);
  }
}

static bool set_ciphers(struct tls_settings *tls, const char *ciphers, struct suites *suites,
                        const struct failure *failure) {
  if (!ciphers) return true;
  if (strlen(ciphers) >= CLIENT_CIPHERS_BYTES) return failure_set(failure, "too many ciphers");
  sort_out(ciphers, suites);
  if (*suites->of_1_2) tls->suites_1_2 = suites->of_1_2;
  if (*suites->of_1_3) tls->suites_1_3 = suites->of_1_3;
  if (!tls->suites_1_2 && !tls->version_min) tls->version_min = TLS1_3_VERSION;
  if (!tls->suites_1_3 && !tls->version_max) tls->version_max = TLS1_2_VERSION;
  return true;
}

/* ---- the context ----------------------------------------------------------------------------- */

static int version_of(unsigned minor) {
  return minor ? (int)(TLS1_VERSION + minor) : 0;
}

static struct tls_context *create(const struct tls_settings *tls, const struct failure *failure) {
  struct io_error why = {0};
  struct tls_context *context = tls_context_create(tls, &why);
  if (!context) failure_set(failure, "%s", why.text);
  return context;
}

/* With a client certificate, which the context copies. */
static struct tls_context *create_with(struct tls_settings *tls, const char *cert_path,
                                       const char *key_path, const struct failure *failure) {
  struct certificate certificate = {0};
  struct io_error why = {0};
  if (!certificate_load(&certificate, cert_path, key_path ? key_path : cert_path, &why)) {
    failure_set(failure, "%s", why.text);
    return NULL;
  }
  tls->certificate = &certificate;
  struct tls_context *context = create(tls, failure);
  tls->certificate = NULL;
  certificate_free(&certificate);
  return context;
}

struct tls_context *client_tls_create(const struct client_tls_settings *settings,
                                      const struct failure *failure) {
  static const char *const protocols[] = {"h2", "http/1.1"};
  struct suites suites = {"", ""};
  struct tls_settings tls = {
      .client = true,
      .protocols = protocols + (settings->versions == CLIENT_HTTP1),
      .protocol_count = settings->versions == CLIENT_HTTP2_OR_1 ? 2 : 1,
      .verify = !settings->insecure,
      .ca_path = settings->ca_path,
      .resume = settings->resume,
      .groups = settings->groups,
      .version_min = version_of(settings->minor_min),
      .version_max = version_of(settings->minor_max),
  };
  if (!set_ciphers(&tls, settings->ciphers, &suites, failure)) return NULL;
  if (!settings->cert_path) return create(&tls, failure);
  return create_with(&tls, settings->cert_path, settings->key_path, failure);
}
