/*
 * serve/named.c - see serve/named.h.
 */
#include "tools/serve/named.h"

#include "io/tls/certificate.h"
#include "tools/serve/config/load.h"
#include "tools/serve/log/file.h"
#include "tools/serve/service/user.h"
#include "tools/serve/tls/ticket_file.h"
#include "tools/serve/tls/tls.h"
#include "tools/serve/tls/watch.h"

struct naming {
  const struct serve_config *config;
  struct mistakes *mistakes;
};

/* NULL: it is not given. */
static bool try_one(const struct naming *naming, const char *key, const char *value,
                    bool (*try)(const char *value, struct io_error *error)) {
  struct io_error error = {0};
  if (!value || try(value, &error)) return true;
  return config_load_wrong(naming->config->document.global, key, error.text, naming->mistakes);
}

static bool try_file(const struct naming *naming, const char *key, const char *path,
                     bool (*try)(const char *path, struct io_error *error)) {
  struct io_error error = {0};
  return !path || !file_is_ready(path, &error) || try_one(naming, key, path, try);
}

static bool try_pair(const struct naming *naming, const struct config_part *part,
                     const struct serve_certificate *files) {
  struct certificate certificate;
  struct io_error error = {0};
  if (!file_is_ready(files->certificate, &error) || !file_is_ready(files->key, &error)) return true;
  bool good = certificate_load(&certificate, files->certificate, files->key, &error);
  const char *key = certificate.key_refused ? "key" : "cert";
  certificate_free(&certificate);
  return good || config_load_wrong(part, key, error.text, naming->mistakes);
}

/* They are parts of the document, in the same order. */
static bool try_certificates(const struct naming *naming) {
  const struct serve_config *config = naming->config;
  bool good = true;
  unsigned i = 0;
  for (const struct config_part *part = config->document.global->first; part; part = part->next)
    if (part->scope == CONFIG_CERTIFICATE && i < config->certificate_count)
      good &= try_pair(naming, part, &config->certificates[i++]);
  return good;
}

bool serve_named_try(const struct serve_config *config, struct mistakes *mistakes) {
  const struct naming naming = {config, mistakes};
  bool good = try_file(&naming, "access-log", config->access_log, log_file_try);
  good &= try_file(&naming, "record", config->record, log_file_try);
  good &= try_one(&naming, "user", config->user, user_try); /* only root becomes another */
  if (!config_is_secure(config)) return good;
  good &= try_one(&naming, "ciphers", config->ciphers, serve_tls_try_ciphers);
  good &= try_one(&naming, "groups", config->groups, serve_tls_try_groups);
  good &= try_certificates(&naming);
  good &= try_file(&naming, "client-ca", config->client_ca, certificate_authorities_try);
  good &= try_file(&naming, "ticket-keys", config->ticket_keys, ticket_file_try);
  return try_file(&naming, "key-log", config->key_log, log_file_try) && good;
}
