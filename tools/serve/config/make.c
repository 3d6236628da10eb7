/*
 * serve/config/make.c - see serve/config/make.h.
 *
 * All mistakes are found in one pass: a text that is wrong is left out, and the rest is made.
 */
#include "tools/serve/config/make.h"

#include <stdlib.h>
#include <string.h>

#include "engine/http/error_text.h"
#include "tools/serve/config/check.h"
#include "tools/serve/config/find.h"
#include "tools/serve/config/take.h"
#include "tools/serve/config/take_rules.h"

static bool out_of_memory(const struct config_making *making) {
  return mistakes_add(making->mistakes, (struct place){0}, "out of memory");
}

static void *allocate(const struct config_making *making, size_t count, size_t bytes) {
  void *object = arena_alloc(&making->config->document.arena, count * bytes);
  if (!object) out_of_memory(making);
  return object;
}

/* ---- a part's texts -------------------------------------------------------------------------- */

/* Takes what counts for the key in the part. A text that is wrong is left out. */
static void take_key(struct config_making *making, const struct config_part *part,
                     const struct config_key *key) {
  const struct config_text *text = NULL;
  bool any = false;
  making->key = key;
  while ((text = config_document_next(key, &part, text))) {
    any = true;
    making->text = text;
    making->part = part;
    config_take(making, text->text);
  }
  bool simple = key->type == CONFIG_FLAG || key->type == CONFIG_COUNT;
  if (any || !simple || !key->standard) return;
  static const struct config_text nowhere;
  making->text = &nowhere;
  config_take(making, key->standard);
}

/* The keys of parts of that kind. */
static void take_keys(struct config_making *making, const struct config_part *part,
                      enum config_scope scope) {
  for (size_t i = 0; i < config_key_count; i++) {
    const struct config_key *key = &config_keys[i];
    bool routes = key->scopes & CONFIG_ROUTE;
    if (scope == CONFIG_ROUTE ? routes : !routes && key->scopes & scope)
      take_key(making, part, key);
  }
}

static unsigned count_parts(const struct config_part *part, enum config_scope scope) {
  unsigned count = 0;
  for (const struct config_part *at = part->first; at; at = at->next)
    count += at->scope == scope;
  return count;
}

/* ---- certificates ---------------------------------------------------------------------------- */

static void make_certificates(struct config_making *making, const struct config_part *global) {
  struct serve_config *config = making->config;
  unsigned count = count_parts(global, CONFIG_CERTIFICATE);
  config->certificates = allocate(making, count, sizeof *config->certificates);
  if (!config->certificates) return;
  for (const struct config_part *at = global->first; at; at = at->next) {
    if (at->scope != CONFIG_CERTIFICATE) continue;
    making->certificate = &config->certificates[config->certificate_count++];
    take_keys(making, at, CONFIG_CERTIFICATE);
    config_check_certificate(making, at);
  }
  making->certificate = NULL;
}

/* ---- routes ---------------------------------------------------------------------------------- */

/* Takes the keys of the part, and those that it inherits. */
static void begin_route(struct config_making *making, struct serve_route *route,
                        const struct config_part *part) {
  making->route = route;
  route->part = part;
  route->answer_type = "text/plain; charset=utf-8";
  if (take_rules_begin(making)) {
    take_keys(making, part, CONFIG_ROUTE);
    take_rules_end(making, part);
  }
}

static void make_route(struct config_making *making, const struct config_part *part) {
  struct serve_route *route = &making->host->routes[making->host->route_count++];
  route->index = making->config->route_count++;
  begin_route(making, route, part);
  route->site_path = route->path;
  const char *shared = config_check_shared_directory(part);
  if (shared) {
    route->action = SERVE_DIRECTORY;
    route->directory = shared;
    route->site_path = span_of(NULL, 0);
  }
  config_check_route(making, part);
  if (!route->status) route->status = route->action == SERVE_REDIRECT ? 302 : 200;
  making->route = NULL;
}

/* Paths, or hosts, for which there is no route, have the rules of the part itself. */
static void make_rest(struct config_making *making, struct serve_route *rest,
                      const struct config_part *part) {
  rest->rest = true;
  begin_route(making, rest, part);
  rest->action = SERVE_ANSWER;
  rest->answer = (const char *)error_text(404).base;
  rest->status = 404;
  rest->https_only = false;
  making->route = NULL;
}

/* Longest path first, so that the first match is the right one. */
static int compare_routes(const void *left, const void *right) {
  const struct serve_route *a = left, *b = right;
  if (a->path.len != b->path.len) return a->path.len > b->path.len ? -1 : 1;
  return a->path.len > 0 ? memcmp(a->path.base, b->path.base, a->path.len) : 0;
}

/* The routes of a host: those nested in the part, and the part itself when it says what "/" is. */
static void make_routes(struct config_making *making, struct config_part *part) {
  struct serve_host *host = making->host;
  bool itself = config_check_has_action(part);
  unsigned count = count_parts(part, CONFIG_ROUTE) + itself;
  host->routes = allocate(making, count, sizeof *host->routes);
  if (!host->routes) return;
  if (itself) make_route(making, part);
  for (const struct config_part *at = part->first; at; at = at->next)
    if (at->scope == CONFIG_ROUTE) make_route(making, at);
  qsort(host->routes, host->route_count, sizeof *host->routes, compare_routes);
  config_check_paths(making, part);
  bool all = host->route_count > 0 && host->routes[host->route_count - 1].path.len == 0;
  if (!all) make_rest(making, &host->rest, part);
}

/* ---- hosts ----------------------------------------------------------------------------------- */

static void make_host(struct config_making *making, struct config_part *part) {
  making->host = &making->config->hosts[making->config->host_count++];
  making->host->part = part;
  take_keys(making, part, CONFIG_HOST);
  config_check_host(making, part);
  make_routes(making, part);
  making->host = NULL;
}

/* Whether the top says what hosts without an entry of their own get. */
static bool is_host(const struct config_part *global) {
  return config_check_has_action(global) || count_parts(global, CONFIG_ROUTE) > 0 ||
         count_parts(global, CONFIG_HOST) == 0;
}

/* The top is the default host. If nothing says what it serves, that is the built-in site. */
static void make_default_host(struct config_making *making, struct config_part *global) {
  struct serve_config *config = making->config;
  making->host = &config->hosts[config->host_count++];
  making->host->part = global;
  making->host->name = "default";
  config->any = making->host;
  if (config_check_has_action(global) || count_parts(global, CONFIG_ROUTE) > 0) {
    make_routes(making, global);
  } else {
    const struct config_key *demo = config_key_find("demo");
    if (config_document_give(&config->document, global, demo, "true", (struct place){0}))
      make_routes(making, global);
    else
      out_of_memory(making);
  }
  making->host = NULL;
}

static int compare_names(const void *left, const void *right) {
  struct span a = ((const struct serve_name *)left)->name;
  struct span b = ((const struct serve_name *)right)->name;
  size_t common = a.len < b.len ? a.len : b.len;
  int order = common > 0 ? memcmp(a.base, b.base, common) : 0;
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static void make_hosts(struct config_making *making, struct config_part *global) {
  struct serve_config *config = making->config;
  unsigned names = 0, count = count_parts(global, CONFIG_HOST);
  const struct config_key *name = config_key_find("name");
  for (struct config_part *at = global->first; at; at = at->next)
    for (const struct config_text *text = config_document_own(at, name)->first; text;
         text = text->next)
      names++;
  config->hosts = allocate(making, count + 1, sizeof *config->hosts);
  config->exact.at = allocate(making, names, sizeof *config->exact.at);
  config->wildcards.at = allocate(making, names, sizeof *config->wildcards.at);
  if (!config->hosts || !config->exact.at || !config->wildcards.at) return;
  if (is_host(global)) make_default_host(making, global);
  for (struct config_part *at = global->first; at; at = at->next)
    if (at->scope == CONFIG_HOST) make_host(making, at);
  if (!config->any) make_rest(making, &config->rest, global);
  qsort(config->exact.at, config->exact.count, sizeof *config->exact.at, compare_names);
  qsort(config->wildcards.at, config->wildcards.count, sizeof *config->wildcards.at, compare_names);
  config_check_names(making);
}

/* ---- all ------------------------------------------------------------------------------------- */

/* What is listened on when nothing says so. */
static void give_addresses(struct config_making *making, struct config_part *global) {
  struct config_document *document = &making->config->document;
  const struct config_key *http = config_key_find("http"), *https = config_key_find("https");
  const struct place nowhere = {0};
  if (config_document_own(global, http)->given || config_document_own(global, https)->given) return;
  making->config->default_listeners = true;
  if (!config_document_give(document, global, http, "localhost:8080", nowhere) ||
      !config_document_give(document, global, https, "localhost:8443", nowhere))
    out_of_memory(making);
}

static void make_all(struct config_making *making) {
  struct serve_config *config = making->config;
  struct config_part *global = config->document.global;
  give_addresses(making, global);
  take_keys(making, global, CONFIG_GLOBAL);
  take_key(making, global, config_key_find("head-start"));
  config->head_starts.at[config->head_starts.count++] = head_start_rules_default.at[0];
  make_certificates(making, global);
  make_hosts(making, global);
  config_check_all(making, global);
}

struct serve_config *config_make(struct config_document *document, bool from_line,
                                 struct mistakes *mistakes, bool *impossible) {
  struct serve_config *config = calloc(1, sizeof *config);
  *impossible = false;
  if (!config) {
    mistakes_add(mistakes, (struct place){0}, "out of memory");
    return NULL;
  }
  config->references = 1;
  config->document = *document;
  *document = (struct config_document){0};
  struct config_making making = {
      .config = config, .dashes = from_line ? "--" : "", .mistakes = mistakes};
  make_all(&making);
  *impossible = making.impossible;
  if (mistakes->count == 0) return config;
  config_release(config);
  return NULL;
}
