/*
 * client/tls.c - see client/tls.h.
 */
#include "tools/client/tls.h"

#include <openssl/tls1.h>

#include "io/base/error.h"
#include "io/tls/certificate.h"
#include "io/tls/context.h"
#include "tools/common/ciphers.h"

/* ---- ciphers --------------------------------------------------------------------------------- */

static bool set_ciphers(struct tls_settings *tls, const char *ciphers, struct ciphers *suites,
                        const struct failure *failure) {
  if (!ciphers) return true;
  if (!ciphers_sort_out(suites, ciphers)) return failure_set(failure, "too many ciphers");
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
  struct ciphers suites = {"", ""};
  struct tls_settings tls = {
      .client = true,
      .protocols = protocols + (settings->versions == CLIENT_HTTP1),
      .protocol_count = settings->versions == CLIENT_HTTP2_OR_1 ? 2 : 1,
      .verify = !settings->insecure,
      .ca_path = settings->ca_path,
      .resume = settings->resume,
      .groups = settings->groups,
      .key_log_path = settings->key_log,
      .version_min = version_of(settings->minor_min),
      .version_max = version_of(settings->minor_max),
  };
  if (!set_ciphers(&tls, settings->ciphers, &suites, failure)) return NULL;
  if (!settings->cert_path) return create(&tls, failure);
  return create_with(&tls, settings->cert_path, settings->key_path, failure);
}
