/*
 * serve/config/check.c - see serve/config/check.h.
 */
#include "tools/serve/config/check.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "tools/serve/config/find.h"

static const struct config_texts *own(const struct config_part *part, const char *name) {
  return config_document_own(part, config_key_find(name));
}

static bool has(const struct config_part *part, const char *name) {
  return own(part, name)->first;
}

/* Where the key stands, or else the part. */
static struct place place_of(const struct config_part *part, const char *name) {
  const struct config_texts *texts = own(part, name);
  return texts->given ? texts->place : part->place;
}

/* ---- certificates ---------------------------------------------------------------------------- */

void config_check_certificate(struct config_making *making, const struct config_part *part) {
  const char *dashes = making->dashes;
  bool cert = has(part, "cert"), key = has(part, "key");
  if (cert && !key)
    mistakes_add(making->mistakes, place_of(part, "cert"), "%scert needs %skey, its private key",
                 dashes, dashes);
  if (!cert)
    mistakes_add(making->mistakes, place_of(part, "key"), "%skey needs %scert, its certificate",
                 dashes, dashes);
}

/* Keys that are about TLS alone. */
static void check_secure(struct config_making *making, const struct config_part *global) {
  static const char *const keys[] = {"ciphers", "groups", "client-ca", "key-log", "ticket-keys"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (has(global, keys[i]) && !config_is_secure(making->config))
      mistakes_add(making->mistakes, place_of(global, keys[i]),
                   "%s%s has no effect without %shttps", making->dashes, keys[i], making->dashes);
}

static void check_clients(struct config_making *making, const struct config_part *global) {
  if (making->config->client_optional && !making->config->client_ca)
    mistakes_add(making->mistakes, place_of(global, "client-optional"),
                 "%sclient-optional has no effect without %sclient-ca", making->dashes,
                 making->dashes);
}

static void check_certificates(struct config_making *making, const struct config_part *global) {
  const struct config_part *first = global->first;
  while (first && first->scope != CONFIG_CERTIFICATE)
    first = first->next;
  if (first && !config_is_secure(making->config))
    mistakes_add(making->mistakes, first->place, "%scert has no effect without %shttps",
                 making->dashes, making->dashes);
}

/* ---- routes ---------------------------------------------------------------------------------- */

static const struct {
  const char *key;
  enum serve_action action;
} actions[] = {
    {"demo", SERVE_DEMO},
    {"directory", SERVE_DIRECTORY},
    {"redirect", SERVE_REDIRECT},
    {"answer", SERVE_ANSWER},
};

enum {
  ACTIONS = sizeof actions / sizeof *actions,
  NEEDED_BYTES = 64, /* fixed by what tell_needed() writes */
};

bool config_check_has_action(const struct config_part *part) {
  for (size_t i = 0; i < ACTIONS; i++)
    if (has(part, actions[i].key)) return true;
  return false;
}

/* The part that says what a host's "/" is: the host itself, or one of its routes. */
static const struct config_part *root_of(const struct config_part *host) {
  if (config_check_has_action(host)) return host;
  for (const struct config_part *at = host->first; at; at = at->next)
    if (at->scope == CONFIG_ROUTE && has(at, "path") &&
        strcmp(own(at, "path")->last->text, "/") == 0)
      return at;
  return host;
}

const char *config_check_shared_directory(const struct config_part *part) {
  if (part->scope != CONFIG_ROUTE || config_check_has_action(part)) return NULL;
  const struct config_part *root = root_of(part->parent);
  return has(root, "directory") ? own(root, "directory")->last->text : NULL;
}

static void check_status(struct config_making *making, const struct config_part *part) {
  const struct serve_route *route = making->route;
  unsigned status = route->status;
  bool redirects =
      status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  if (status && route->action == SERVE_REDIRECT && !redirects)
    mistakes_add(making->mistakes, place_of(part, "status"),
                 "%sstatus %u: expected 301, 302, 303, 307 or 308 for a redirect", making->dashes,
                 status);
  if (status && route->action == SERVE_ANSWER && status / 100 == 3)
    mistakes_add(making->mistakes, place_of(part, "status"),
                 "%sstatus %u: an answer is no redirect; use %sredirect", making->dashes, status,
                 making->dashes);
}

static void check_demo(struct config_making *making, const struct config_part *part) {
  const struct serve_route *route = making->route;
  if (!route->demo)
    mistakes_add(making->mistakes, place_of(part, "demo"),
                 "demo: expected true, or no demo at all");
  if (route->path.len > 0)
    mistakes_add(making->mistakes, place_of(part, "demo"),
                 "%sdemo: the built-in site's links begin at /, so its path can only be /",
                 making->dashes);
}

void config_check_route(struct config_making *making, const struct config_part *part) {
  unsigned count = 0;
  for (size_t i = 0; i < ACTIONS; i++) {
    if (!has(part, actions[i].key)) continue;
    if (count++ > 0)
      mistakes_add(making->mistakes, place_of(part, actions[i].key),
                   "%s%s: the route already has %s%s", making->dashes, actions[i].key,
                   making->dashes, actions[making->route->action].key);
    else
      making->route->action = actions[i].action;
  }
  bool path = part->scope != CONFIG_ROUTE || own(part, "path")->given;
  if (!path && !part->strange) mistakes_add(making->mistakes, part->place, "a route needs path");
  if (count == 0 && !part->strange && making->route->action != SERVE_DIRECTORY)
    mistakes_add(
        making->mistakes, part->place,
        "the route /%.*s needs %sdirectory, its own or its host's, or %sredirect, %sanswer or "
        "%sdemo",
        (int)making->route->path.len, (const char *)making->route->path.base, making->dashes,
        making->dashes, making->dashes, making->dashes);
  if (count == 1 && making->route->action == SERVE_DEMO) check_demo(making, part);
  check_status(making, part);
}

void config_check_paths(struct config_making *making, const struct config_part *part) {
  const struct serve_host *host = making->host;
  if (host->route_count == 0 && !part->strange)
    mistakes_add(making->mistakes, part->place, "the host %s has nothing to serve",
                 host->name ? host->name : "without a name");
  for (unsigned i = 1; i < host->route_count; i++) {
    struct span path = host->routes[i].path;
    if (!span_equal(path, host->routes[i - 1].path)) continue;
    mistakes_add(making->mistakes, host->routes[i].part->place,
                 "the host %s has two routes for /%.*s", host->name ? host->name : "without a name",
                 (int)path.len, (const char *)path.base);
  }
}

/* ---- hosts ----------------------------------------------------------------------------------- */

void config_check_host(struct config_making *making, const struct config_part *part) {
  if (!has(part, "name") && !part->strange)
    mistakes_add(making->mistakes, part->place, "a host needs name");
}

static void check_names(struct config_making *making, const struct serve_names *names,
                        const char *before) {
  for (unsigned i = 1; i < names->count; i++) {
    struct span name = names->at[i].name;
    if (!span_equal(name, names->at[i - 1].name)) continue;
    mistakes_add(making->mistakes, names->at[i].place, "the host %s%.*s is given twice", before,
                 (int)name.len, (const char *)name.base);
  }
}

void config_check_names(struct config_making *making) {
  check_names(making, &making->config->exact, "");
  check_names(making, &making->config->wildcards, "*.");
}

/* ---- all ------------------------------------------------------------------------------------- */

/* One of the actions to which the key applies. */
static void tell_needed(const struct config_making *making, const struct config_key *key,
                        char needed[NEEDED_BYTES]) {
  const char *dashes = making->dashes;
  if (key->actions == 1 << SERVE_DIRECTORY)
    snprintf(needed, NEEDED_BYTES, "a directory to serve");
  else if (key->actions == 1 << SERVE_ANSWER)
    snprintf(needed, NEEDED_BYTES, "%sanswer", dashes);
  else if (key->actions >> SERVE_REDIRECT & 1)
    snprintf(needed, NEEDED_BYTES, "%sredirect or %sanswer", dashes, dashes);
  else
    snprintf(needed, NEEDED_BYTES, "a directory, %sanswer or %sdemo", dashes, dashes);
}

/* Whether the key was given in the part, and no route within has an action to which it applies. */
static bool has_no_effect(const struct config_making *making, const struct config_key *key) {
  const struct serve_config *config = making->config;
  for (unsigned i = 0; i < config->host_count; i++)
    for (unsigned k = 0; k < config->hosts[i].route_count; k++)
      if (key->actions >> config->hosts[i].routes[k].action & 1) return false;
  return true;
}

static void check_actions(struct config_making *making, const struct config_part *part,
                          const struct config_part *global) {
  for (size_t i = 0; i < config_key_count; i++) {
    const struct config_key *key = &config_keys[i];
    const struct config_texts *texts = config_document_own(part, key);
    if (!key->actions || !texts->first) continue;
    bool wrong = false;
    char needed[NEEDED_BYTES];
    tell_needed(making, key, needed);
    if (part == global) wrong = has_no_effect(making, key);
    if (part->scope == CONFIG_ROUTE) {
      wrong = !config_check_shared_directory(part) || !(key->actions >> SERVE_DIRECTORY & 1);
      for (size_t k = 0; k < ACTIONS; k++)
        if (has(part, actions[k].key) && key->actions >> actions[k].action & 1) wrong = false;
    }
    if (wrong)
      mistakes_add(making->mistakes, texts->place, "%s%s needs %s", making->dashes,
                   config_making_name(making, key), needed);
  }
}

static void check_logs(struct config_making *making, const struct config_part *global) {
  const struct serve_config *config = making->config;
  const char *dashes = making->dashes;
  if (has(global, "log-format") && !config->access_log)
    mistakes_add(making->mistakes, place_of(global, "log-format"),
                 "%slog-format has no effect without %saccess-log", dashes, dashes);
  if (config->record_secrets && !config->record)
    mistakes_add(making->mistakes, place_of(global, "record-secrets"),
                 "%srecord-secrets has no effect without %srecord", dashes, dashes);
  if (config->record && config->access_log && strcmp(config->record, config->access_log) == 0)
    mistakes_add(making->mistakes, place_of(global, "record"),
                 "%srecord and %saccess-log need different files", dashes, dashes);
}

static void check_https_only(struct config_making *making) {
  const struct serve_config *config = making->config;
  if (config_is_secure(config)) return;
  for (unsigned i = 0; i < config->host_count; i++)
    for (unsigned k = 0; k < config->hosts[i].route_count; k++)
      if (config->hosts[i].routes[k].https_only) {
        mistakes_add(making->mistakes, place_of(config->hosts[i].routes[k].part, "https-only"),
                     "%shttps-only needs %shttps", making->dashes, making->dashes);
        return;
      }
}

void config_check_all(struct config_making *making, const struct config_part *global) {
  check_certificates(making, global);
  check_secure(making, global);
  check_clients(making, global);
  check_logs(making, global);
  check_actions(making, global, global);
  check_https_only(making);
  for (const struct config_part *at = global->first; at; at = at->next) {
    check_actions(making, at, global);
    for (const struct config_part *inner = at->first; inner; inner = inner->next)
      check_actions(making, inner, global);
  }
}
