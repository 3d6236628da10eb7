/*
 * serve/tls/tls.c - see serve/tls/tls.h.
 */
#include "tools/serve/tls/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/tls1.h>

#include "engine/conn.h"
#include "io/base/error.h"
#include "io/tls/context.h"
#include "tools/common/ciphers.h"
#include "tools/common/clear_text.h"
#include "tools/serve/tls/certificates.h"
#include "tools/serve/tls/watch.h"

/* With ciphers of one version of TLS only, only that version is spoken. */
static bool set_ciphers(struct tls_settings *settings, struct ciphers *ciphers, const char *list,
                        struct io_error *error) {
  if (!list) return true;
  if (!ciphers_sort_out(ciphers, list)) return io_error_set(error, 0, "too many ciphers");
  if (*ciphers->of_1_2) settings->suites_1_2 = ciphers->of_1_2;
  if (*ciphers->of_1_3) settings->suites_1_3 = ciphers->of_1_3;
  if (!settings->suites_1_2) settings->version_min = TLS1_3_VERSION;
  if (!settings->suites_1_3) settings->version_max = TLS1_2_VERSION;
  return true;
}

bool serve_tls_try_ciphers(const char *list, struct io_error *error) {
  struct ciphers ciphers = {"", ""};
  struct tls_settings settings = {0};
  return set_ciphers(&settings, &ciphers, list, error) && tls_policy_try(&settings, error);
}

bool serve_tls_try_groups(const char *list, struct io_error *error) {
  return tls_policy_try(&(struct tls_settings){.groups = list}, error);
}

/* What a policy is made from: see tls_policy_make(). */
static struct tls_settings policy_of(const struct serve_config *config) {
  return (struct tls_settings){.groups = config->groups,
                               .verify = config->client_ca,
                               .require = !config->client_optional,
                               .ca_path = config->client_ca};
}

static bool make_context(struct serve_tls *tls, const struct serve_config *config,
                         struct io_error *error) {
  const char *const *protocols = tls->spdy ? conn_protocols_spdy : conn_protocols;
  struct ciphers ciphers = {"", ""};
  struct tls_settings settings = policy_of(config);
  settings.certificate = certificates_first(tls->certificates);
  settings.answer_clear_text = clear_text_answer;
  settings.key_log_path = tls->trial ? NULL : config->key_log;
  settings.protocols = protocols;
  while (protocols[settings.protocol_count])
    settings.protocol_count++;
  if (!set_ciphers(&settings, &ciphers, config->ciphers, error)) return false;
  tls->context = tls_context_create(&settings, error);
  return tls->context && certificates_use(tls->certificates, tls->context, error);
}

static struct ssl_ctx_st *make_policy(struct serve_tls *tls, const struct serve_config *config,
                                      struct io_error *error) {
  struct ciphers ciphers = {"", ""};
  struct tls_settings settings = policy_of(config);
  if (!set_ciphers(&settings, &ciphers, config->ciphers, error)) return NULL;
  return tls_policy_make(tls->context, &settings, error);
}

static bool open_with(struct serve_tls *tls, struct serve_config *config, struct io_error *error) {
  tls->first = config_retain(config);
  tls->certificates = certificates_open(config->certificates, config->certificate_count, error);
  if (!tls->certificates || !make_context(tls, config, error)) return false;
  return !config->ticket_keys ||
         ticket_file_open(&tls->tickets, config->ticket_keys, tls->context, error);
}

bool serve_tls_open(struct serve_tls *tls, struct serve_config *config, struct io_error *error) {
  tls->spdy = config->spdy;
  return !config_is_secure(config) || open_with(tls, config, error);
}

/* ---- watching -------------------------------------------------------------------------------- */

static void look(void *ctx) {
  struct serve_tls *tls = ctx;
  certificates_look(tls->certificates, (int64_t)time(NULL));
  ticket_file_look(&tls->tickets, tls->context);
}

static size_t paths_of(const struct serve_tls *tls, const char **paths) {
  size_t count = certificates_paths(tls->certificates, paths);
  if (!tls->tickets.path) return count;
  if (paths) paths[count] = tls->tickets.path;
  return count + 1;
}

bool serve_tls_start(struct serve_tls *tls, struct io_error *error) {
  if (!tls->context) return true;
  tls->paths = calloc(paths_of(tls, NULL) + 1, sizeof *tls->paths);
  if (!tls->paths) return io_error_set(error, ENOMEM, "cannot watch files: out of memory");
  const struct watch_settings settings = {
      .paths = tls->paths,
      .count = paths_of(tls, tls->paths),
      .period_seconds = WATCH_PERIOD_SECONDS,
      .changed = look,
      .ctx = tls,
  };
  tls->watch = watch_start(&settings, error);
  return tls->watch;
}

/* ---- another configuration ------------------------------------------------------------------- */

/* Whether the configuration names the files that are in force, in the same order. */
static bool names_same(const struct serve_tls *tls, const struct serve_config *config) {
  size_t count = certificates_paths(tls->certificates, NULL);
  const char **paths = calloc(count + 1, sizeof *paths);
  bool same = paths && count == (size_t)2 * config->certificate_count;
  if (same) (void)certificates_paths(tls->certificates, paths);
  for (unsigned i = 0; same && i < config->certificate_count; i++)
    same = strcmp(paths[2 * i], config->certificates[i].certificate) == 0 &&
           strcmp(paths[2 * i + 1], config->certificates[i].key) == 0;
  free(paths);
  return same;
}

static bool are_ready(const struct serve_config *config, struct io_error *error) {
  bool ready = !config->client_ca || file_is_ready(config->client_ca, error);
  for (unsigned i = 0; ready && i < config->certificate_count; i++)
    ready = file_is_ready(config->certificates[i].certificate, error) &&
            file_is_ready(config->certificates[i].key, error);
  return ready;
}

/* The files of the same certificates are watched. */
static bool prepare_certificates(const struct serve_tls *tls, const struct serve_config *config,
                                 struct serve_tls_next *next, struct io_error *error) {
  if (names_same(tls, config)) return true;
  next->certificates = certificates_open(config->certificates, config->certificate_count, error);
  return next->certificates;
}

bool serve_tls_prepare(struct serve_tls *tls, struct serve_config *config,
                       struct serve_tls_next *next, struct io_error *error) {
  *next = (struct serve_tls_next){.policy = NULL};
  if (!config_is_secure(config)) return true;
  if (!are_ready(config, error)) return false;
  if (!tls->context) return open_with(tls, config, error) && serve_tls_start(tls, error);
  if (prepare_certificates(tls, config, next, error))
    next->policy = make_policy(tls, config, error);
  if (!next->policy) serve_tls_forget(next);
  return next->policy;
}

void serve_tls_forget(struct serve_tls_next *next) {
  certificates_close(next->certificates);
  tls_policy_free(next->policy);
  *next = (struct serve_tls_next){.policy = NULL};
}

static bool swap_certificates(struct serve_tls *tls, struct certificates *next,
                              struct io_error *error) {
  watch_stop(tls->watch);
  free(tls->paths);
  tls->watch = NULL;
  tls->paths = NULL;
  struct certificates *before = tls->certificates;
  tls->certificates = next;
  bool good = certificates_use(next, tls->context, error) && serve_tls_start(tls, error);
  certificates_close(before);
  return good;
}

bool serve_tls_swap(struct serve_tls *tls, struct serve_tls_next *next, struct io_error *error) {
  if (next->policy) tls_policy_use(tls->context, next->policy);
  return !next->certificates || swap_certificates(tls, next->certificates, error);
}

/* ---- the rest -------------------------------------------------------------------------------- */

void serve_tls_print(const struct serve_tls *tls) {
  if (tls->context) certificates_print(tls->certificates);
}

void serve_tls_warn(const struct serve_tls *tls) {
  if (tls->context) certificates_warn(tls->certificates);
}

void serve_tls_close(struct serve_tls *tls) {
  watch_stop(tls->watch);
  free(tls->paths);
  tls_context_free(tls->context);
  certificates_close(tls->certificates);
  ticket_file_close(&tls->tickets);
  config_release(tls->first);
  *tls = (struct serve_tls){.spdy = tls->spdy};
}
