/*
 * forward/access.c - see forward/access.h.
 */
#include "tools/forward/access.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/base/error.h"
#include "io/tls/certificate.h"
#include "io/tls/context.h"
#include "tools/client/lookup.h"

/* ---- credentials ----------------------------------------------------------------------------- */

static void free_secret(char *secret) {
  if (secret) OPENSSL_cleanse(secret, strlen(secret));
  free(secret);
}

/* Takes `token`. White space around the token does not count. */
static bool set_token(struct access *access, const char *token, const struct failure *failure) {
  size_t skip = strspn(token, " \t\r\n"), len = strlen(token + skip);
  while (len > 0 && strchr(" \t\r\n", token[skip + len - 1]))
    len--;
  for (size_t i = skip; i < skip + len; i++)
    if (token[i] <= ' ' || token[i] >= 0x7f)
      return failure_set(failure, "the token has characters that are not allowed in one");
  if (len == 0) return failure_set(failure, "the token is empty");
  if (asprintf(&access->authorization, "Bearer %.*s", (int)len, token + skip) >= 0) return true;
  access->authorization = NULL;
  return failure_set(failure, "out of memory");
}

static bool set_token_file(struct access *access, const char *path, const struct failure *failure) {
  size_t len;
  char reason[300];
  const struct failure why = {reason, sizeof reason};
  char *text = kubeconfig_file(path, &len, failure);
  if (!text) return false;
  bool good = set_token(access, text, &why);
  free_secret(text);
  return good || failure_set(failure, "%s: %s", path, reason);
}

static bool set_password(struct access *access, const char *username, const char *password,
                         const struct failure *failure) {
  char *both = NULL;
  int len = asprintf(&both, "%s:%s", username, password ? password : "");
  size_t room = len < 0 ? 0 : 6 + 4 * ((size_t)len + 2) / 3 + 4;
  access->authorization = room ? malloc(room) : NULL;
  if (access->authorization) {
    memcpy(access->authorization, "Basic ", 6);
    EVP_EncodeBlock((uint8_t *)access->authorization + 6, (const uint8_t *)both, len);
  }
  if (len >= 0) free_secret(both);
  return access->authorization || failure_set(failure, "out of memory");
}

/* The plugin's credentials, asked for if there are none that are good. */
static bool ask_plugin(struct access_source *source, const struct kubeconfig *config, bool refused,
                       const struct failure *failure) {
  struct plugin_credential *credential = &source->credential;
  bool expired = credential->expires && credential->expires <= time(NULL);
  if (source->has_credential && !refused && !expired) return true;
  plugin_credential_free(credential);
  source->has_credential = plugin_run(config, PLUGIN_NS, source->stop, credential, failure);
  return source->has_credential;
}

/* In clear text no credentials are sent. */
static bool set_authorization(struct access *access, const struct access_source *source,
                              const struct kubeconfig *config, const struct failure *failure) {
  const struct forward_options *options = source->options;
  if (!access->server.secure) return true;
  if (options->token) return set_token(access, options->token, failure);
  if (options->token_file) return set_token_file(access, options->token_file, failure);
  if (config->token_file) return set_token_file(access, config->token_file, failure);
  if (config->token) return set_token(access, config->token, failure);
  if (config->username) return set_password(access, config->username, config->password, failure);
  if (source->has_credential && source->credential.token)
    return set_token(access, source->credential.token, failure);
  return true;
}

/* ---- TLS ------------------------------------------------------------------------------------- */

/* The client's certificate: from the command line, the kubeconfig, or its plugin. */
static bool read_certificate(struct certificate *certificate, const struct access_source *source,
                             const struct kubeconfig *config, struct io_error *error) {
  const struct forward_options *options = source->options;
  if (options->cert) return certificate_load(certificate, options->cert, options->key, error);
  if (config->certificate)
    return certificate_read(certificate, config->certificate, config->key,
                            "client-certificate of the kubeconfig", error);
  if (source->has_credential && source->credential.certificate)
    return certificate_read(certificate, source->credential.certificate, source->credential.key,
                            "certificate of the exec plugin", error);
  return true;
}

static bool set_tls(struct access *access, const struct access_source *source,
                    const struct kubeconfig *config, const struct failure *failure) {
  static const char *const protocols[] = {"http/1.1"}; /* only there is an Upgrade */
  const struct forward_options *options = source->options;
  struct certificate certificate = {0};
  struct io_error why = {0};
  if (!access->server.secure) return true;
  bool good = read_certificate(&certificate, source, config, &why);
  const struct tls_settings settings = {
      .client = true,
      .certificate = certificate.leaf ? &certificate : NULL,
      .protocols = protocols,
      .protocol_count = 1,
      .verify = !options->insecure && (!config->insecure || options->cacert),
      .ca_path = options->cacert,
      .ca_pem = options->cacert ? NULL : config->authorities,
  };
  if (good) access->tls = tls_context_create(&settings, &why);
  certificate_free(&certificate);
  return access->tls || failure_set(failure, "%s", why.text);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool set_server(struct access *access, const struct forward_options *options,
                       const struct kubeconfig *config, const struct failure *failure) {
  const char *namespace = options->namespace ? options->namespace : config->namespace;
  const char *host = config->tls_server_name;
  if (options->target.kind == TARGET_URL) {
    access->server = options->target.url;
    strcpy(access->server.target, "");
  } else if (!url_parse(&access->server, config->server)) {
    return failure_set(failure, "%s: the kubeconfig's server is not an http or https URL",
                       config->server);
  }
  size_t len = strcspn(access->server.target, "?");
  while (len > 0 && access->server.target[len - 1] == '/')
    len--;
  access->server.target[len] = 0;
  if (!host) host = access->server.host;
  if (strlen(host) >= sizeof access->host) return failure_set(failure, "%s: too long", host);
  memcpy(access->host, host, strlen(host) + 1);
  snprintf(access->namespace, sizeof access->namespace, "%s", namespace ? namespace : "default");
  access->address_count = lookup_host(access->server.host, access->server.port, access->addresses,
                                      CLIENT_ADDRESSES_MAX, failure);
  return access->address_count > 0;
}

bool access_make(struct access *access, struct access_source *source, bool refused,
                 const struct failure *failure) {
  const struct forward_options *options = source->options;
  struct kubeconfig config = {0};
  bool own = options->token || options->token_file || options->cert;
  *access = (struct access){.address_count = 0};
  bool good = options->target.kind == TARGET_URL ||
              kubeconfig_read(&config, options->kubeconfig, options->context, failure);
  good = good && set_server(access, options, &config, failure);
  if (good && config.exec && !own && access->server.secure)
    good = ask_plugin(source, &config, refused, failure);
  good = good && set_tls(access, source, &config, failure) &&
         set_authorization(access, source, &config, failure);
  kubeconfig_free(&config);
  if (!good) access_free(access);
  return good;
}

void access_free(struct access *access) {
  tls_context_free(access->tls);
  free_secret(access->authorization);
  *access = (struct access){.address_count = 0};
}

void access_source_free(struct access_source *source) {
  plugin_credential_free(&source->credential);
  source->has_credential = false;
}
