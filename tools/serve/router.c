/*
 * serve/router.c - see serve/router.h.
 */
#include "tools/serve/router.h"

#include <assert.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/pool.h"
#include "engine/base/text.h"
#include "engine/http/body.h"
#include "engine/http/error_text.h"
#include "engine/http/limits.h"
#include "engine/site/limits.h"
#include "engine/site/path.h"
#include "io/tls/identities.h"
#include "tools/serve/coding/compress.h"
#include "tools/serve/config/hints.h"
#include "tools/serve/config/host.h"
#include "tools/serve/location.h"
#include "tools/serve/rules/rates.h"
#include "tools/serve/rules/rules.h"
#include "tools/serve/site.h"

struct router {
  struct router_settings settings;
  struct serve_site **sites; /* of directories, by the route's index */
  struct pool replies;       /* struct reply */
  uint64_t streams;
};

/* A body of text on its way. */
struct reply {
  struct router *router;
  struct body_bytes body;
};

/* ---- finding --------------------------------------------------------------------------------- */

static int compare(struct span a, struct span b) {
  size_t common = a.len < b.len ? a.len : b.len;
  int order = common > 0 ? memcmp(a.base, b.base, common) : 0;
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static const struct serve_host *find_name(const struct serve_names *names, struct span name) {
  unsigned low = 0, high = names->count;
  while (low < high) {
    unsigned middle = low + (high - low) / 2;
    int order = compare(name, names->at[middle].name);
    if (order == 0) return names->at[middle].host;
    if (order < 0) high = middle;
    if (order > 0) low = middle + 1;
  }
  return NULL;
}

const struct serve_host *router_find_host(const struct serve_config *config,
                                          struct span authority) {
  char room[HOST_BYTES_MAX];
  struct span name;
  if (config->host_count == 1 && config->any) return config->any;
  if (!host_normal(authority, room, &name)) return config->any;
  const struct serve_host *found = find_name(&config->exact, name);
  while (!found && config->wildcards.count > 0) {
    const uint8_t *dot = name.len > 0 ? memchr(name.base, '.', name.len) : NULL;
    if (!dot) break;
    name = span_skip(name, (size_t)(dot - name.base) + 1);
    found = find_name(&config->wildcards, name);
  }
  return found ? found : config->any;
}

static bool is_below(struct span path, struct span prefix) {
  if (prefix.len == 0) return true;
  if (path.len < prefix.len || memcmp(path.base, prefix.base, prefix.len) != 0) return false;
  return path.len == prefix.len || path.base[prefix.len] == '/';
}

const struct serve_route *router_find_route(const struct serve_host *host, struct span path) {
  for (unsigned i = 0; i < host->route_count; i++)
    if (is_below(path, host->routes[i].path)) return &host->routes[i];
  return &host->rest;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static const struct stream_events no_events;

static void reply_done(void *ctx) {
  struct reply *reply = ctx;
  pool_give(&reply->router->replies, reply);
}

/* Responds with a text that lives as long as the router. `extra` may be NULL. */
static void respond(struct router *router, struct stream *stream, unsigned status, const char *type,
                    struct span text, const struct header *extra) {
  uint8_t length[DECIMAL_BYTES_MAX];
  struct header fields[3];
  size_t count = 0;
  struct body body = BODY_NONE;
  bool bodiless = status == 204 || status == 205 || status == 304;
  struct reply *reply = text.len > 0 && !bodiless ? pool_take(&router->replies) : NULL;
  if (reply) {
    reply->router = router;
    body = body_bytes(&reply->body, text, reply_done, reply);
    fields[count++] = header_of(TOKEN_CONTENT_TYPE, span_text(type));
  }
  if (!bodiless)
    fields[count++] =
        header_of(TOKEN_CONTENT_LENGTH, span_of(length, decimal_put(length, reply ? text.len : 0)));
  if (extra) fields[count++] = *extra;
  stream->events = &no_events;
  (void)stream_respond(stream, status, fields, count, body);
}

/* `extra` may be NULL. */
static void refuse_with(struct router *router, struct stream *stream, unsigned status,
                        const struct header *extra) {
  respond(router, stream, status, ERROR_TEXT_TYPE, error_text(status), extra);
}

static void refuse(struct router *router, struct stream *stream, unsigned status) {
  refuse_with(router, stream, status, NULL);
}

/* Whether the route's rules let the client in; else it has been refused. What follows passes their filter. */
static bool admit(struct router *router, const struct serve_route *route, struct stream *stream,
                  const struct request *request, uint64_t now_ns) {
  const struct serve_rules *rules = route->rules;
  uint8_t text[DECIMAL_BYTES_MAX];
  stream->filter = rules->filter;
  const struct head_start_rules *head_starts =
      route->head_starts ? route->head_starts : router->settings.head_starts;
  if (head_starts) stream_head_start_rules(stream, head_starts, request->path);
  if (rules->access && !access_allows(rules->access, stream->peer->address)) {
    refuse(router, stream, 403);
    return false;
  }
  if (rules->rate.interval_ns == 0 || request->pushed) return true;
  unsigned seconds =
      rates_request(router->settings.rates, &rules->rate, stream->peer->address, now_ns);
  if (seconds == 0) return true;
  struct header retry = header_of(TOKEN_RETRY_AFTER, span_of(text, decimal_put(text, seconds)));
  refuse_with(router, stream, 429, &retry);
  return false;
}

/* ---- redirects ------------------------------------------------------------------------------- */

static void send_to(struct router *router, struct stream *stream, unsigned status,
                    const struct location *location) {
  struct header field = header_of(TOKEN_LOCATION, span_of(location->text, location->len));
  respond(router, stream, status, "", (struct span){0}, &field);
}

static void redirect(struct router *router, struct stream *stream, const struct serve_route *route,
                     const struct site_path *path) {
  struct location location;
  if (location_of_route(&location, route, path))
    send_to(router, stream, route->status, &location);
  else
    refuse(router, stream, 414);
}

static void redirect_to_https(struct router *router, struct stream *stream,
                              const struct request *request, const struct site_path *path) {
  struct location location;
  char room[HOST_BYTES_MAX];
  struct span host;
  if (!host_normal(request->authority, room, &host) || host.len == 0) {
    refuse(router, stream, 400);
    return;
  }
  bool simple = span_is(request->method, "GET") || span_is(request->method, "HEAD");
  if (location_of_https(&location, host, router->settings.https_port, path))
    send_to(router, stream, simple ? 301 : 308, &location);
  else
    refuse(router, stream, 414);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Status 200 when the path can be looked up. A target without a path, as of OPTIONS * and CONNECT, means all
 * paths. */
static unsigned read_path(const struct request *request, uint8_t room[SITE_PATH_BYTES_MAX],
                          struct site_path *out) {
  *out = (struct site_path){0};
  if (request->path.len == 0 || span_is(request->path, "*")) return 200;
  if (request->path.len > HTTP_TARGET_BYTES_MAX) return 414;
  switch (site_path_parse(request->path, room, SITE_PATH_BYTES_MAX, out)) {
  case SITE_PATH_OK: return 200;
  case SITE_PATH_BAD: return 400;
  case SITE_PATH_NO_FILE: return 404;
  case SITE_PATH_LONG: return 414;
  }
  return 400;
}

static void pass(const struct handler *handler, struct stream *stream,
                 const struct request *request, uint64_t now_ns) {
  handler->request(handler->ctx, stream, request, now_ns);
}

/* A directory's files are compressed once, not each time (serve/coding/recode.h); its lists are made each time. */
static void begin_compression(const struct router *router, const struct serve_route *route,
                              struct stream *stream, const struct headers *fields) {
  bool directory = route->action == SERVE_DIRECTORY;
  if (!route->compress || (directory && !route->listing)) return;
  (directory ? compress_begin_made : compress_begin)(router->settings.compressor, stream, fields);
  if (!stream->filter) stream->filter = &compress_filter; /* the route's filters end in it */
}

static void act(struct router *router, const struct serve_route *route, struct stream *stream,
                const struct request *request, const struct site_path *path, uint64_t now_ns) {
  bool tunnel = span_is(request->method, "CONNECT");
  begin_compression(router, route, stream, request->fields);
  switch (route->action) {
  case SERVE_DEMO: pass(router->settings.demo, stream, request, now_ns); return;
  case SERVE_DIRECTORY:
    pass(serve_site_handler(router->sites[route->index]), stream, request, now_ns);
    return;
  case SERVE_REDIRECT:
    if (tunnel) break;
    redirect(router, stream, route, path);
    return;
  case SERVE_ANSWER:
    if (tunnel) break;
    respond(router, stream, route->status, route->answer_type, span_text(route->answer), NULL);
    return;
  }
  refuse(router, stream, 501);
}

/* Whether the host has a certificate of ours which this connection was not shown: a new connection would be. A host
 * that no certificate covers is looked up like any other, since no connection would be better for it. CONNECT's
 * authority is the tunnel's end and no host of ours. RFC 9110 section 15.5.20. */
static bool is_misdirected(const struct router *router, const struct stream *stream,
                           const struct request *request) {
  char room[HOST_BYTES_MAX];
  struct span name;
  if (router->settings.config->certificate_count < 2 || !stream->peer->identity) return false;
  if (span_is(request->method, "CONNECT") && request->protocol.len == 0) return false;
  return host_normal(request->authority, room, &name) &&
         tls_identity_cover(stream->peer->identity, name) == TLS_COVERED_ELSEWHERE;
}

void router_request(struct router *router, struct stream *stream, const struct request *request,
                    uint64_t now_ns) {
  uint8_t room[SITE_PATH_BYTES_MAX];
  struct site_path path;
  router->streams++;
  if (is_misdirected(router, stream, request)) {
    refuse(router, stream, 421);
    return;
  }
  const struct serve_config *config = router->settings.config;
  const struct serve_host *host = router_find_host(config, request->authority);
  unsigned status = read_path(request, room, &path);
  const struct serve_route *route = host ? router_find_route(host, path.path) : &config->rest;
  if (!admit(router, route, stream, request, now_ns)) return;
  if (status != 200)
    refuse(router, stream, status);
  else if (route->https_only && !stream->peer->secure)
    redirect_to_https(router, stream, request, &path);
  else
    act(router, route, stream, request, &path, now_ns);
}

void router_enter(struct router *router) {
  const struct serve_config *config = router->settings.config;
  struct rates *rates = router->settings.rates;
  if (!rates) return;
  rates->connections = config->connection_rate.interval_ns > 0 ? &config->connection_rate : NULL;
  rates->links_max = config->connections_per_client;
}

void router_ended(struct router *router) {
  assert(router->streams > 0);
  router->streams--;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool has_rate(const struct serve_route *route) {
  return route->rules && route->rules->rate.interval_ns > 0;
}

/* Whether clients have accounts. */
static bool has_rates(const struct serve_config *config) {
  if (config->connection_rate.interval_ns > 0 || has_rate(&config->rest)) return true;
  for (unsigned i = 0; i < config->host_count; i++) {
    if (has_rate(&config->hosts[i].rest)) return true;
    for (unsigned k = 0; k < config->hosts[i].route_count; k++)
      if (has_rate(&config->hosts[i].routes[k])) return true;
  }
  return false;
}

static bool open_rates(const struct router_settings *settings) {
  const struct serve_config *config = settings->config;
  return (!has_rates(config) || rates_open(settings->rates, RATES_ACCOUNTS, settings->memory)) &&
         (config->connections_per_client == 0 ||
          rates_open(settings->rates, RATES_LINKS, settings->memory));
}

static unsigned count_directories(const struct serve_config *config) {
  unsigned count = 0;
  for (unsigned i = 0; i < config->host_count; i++)
    for (unsigned k = 0; k < config->hosts[i].route_count; k++)
      count += config->hosts[i].routes[k].action == SERVE_DIRECTORY;
  return count;
}

/* Each directory has an equal part of what a worker may hold. */
static struct serve_site *open_site(const struct router_settings *settings,
                                    const struct serve_route *route, unsigned directories,
                                    const char **note, struct io_error *error) {
  uint32_t reads = settings->reads_max / directories;
  const struct serve_site_settings site = {
      .directory = route->directory,
      .prefix = route->site_path,
      .loop = settings->loop,
      .memory = settings->memory,
      .hints = route->hints ? serve_hints_table(route->hints) : NULL,
      .rules = &route->rules->site,
      .cache_control = route->cache_control,
      .wall_seconds = settings->wall_seconds,
      .exchanges_max = settings->exchanges_max,
      .cache_bytes_max = settings->cache_bytes_max / directories,
      .reads_max = settings->reads_max > 0 && reads == 0 ? 1 : reads,
      .workers = settings->workers * directories,
      .counters = settings->counters,
      .desk = settings->desk,
      .recoded = settings->recoded,
      .compress = route->compress,
      .push = settings->config->push,
      .explain = settings->config->verbose,
  };
  return serve_site_create(&site, note, error);
}

static bool open_sites(struct router *router, const char **note, struct io_error *error) {
  const struct serve_config *config = router->settings.config;
  unsigned directories = count_directories(config);
  for (unsigned i = 0; i < config->host_count; i++)
    for (unsigned k = 0; k < config->hosts[i].route_count; k++) {
      const struct serve_route *route = &config->hosts[i].routes[k];
      if (route->action != SERVE_DIRECTORY) continue;
      struct serve_site **site = &router->sites[route->index];
      *site = open_site(&router->settings, route, directories, note, error);
      if (!*site) return false;
    }
  return true;
}

struct router *router_create(const struct router_settings *settings, const char **note,
                             struct io_error *error) {
  unsigned routes = settings->config->route_count;
  struct router *router = memory_alloc(settings->memory, sizeof *router);
  struct serve_site **sites = memory_alloc(settings->memory, routes * sizeof(struct serve_site *));
  *note = NULL;
  if (!router || !sites) {
    memory_free(settings->memory, router, sizeof *router);
    memory_free(settings->memory, sites, routes * sizeof(struct serve_site *));
    io_error_set(error, 0, "out of memory");
    return NULL;
  }
  memset(sites, 0, routes * sizeof(struct serve_site *));
  *router = (struct router){.settings = *settings, .sites = sites};
  config_retain(settings->config);
  pool_init(&router->replies, settings->memory, sizeof(struct reply),
            pool_chunk_count(sizeof(struct reply)), settings->exchanges_max);
  bool rates = open_rates(settings);
  if (!rates) io_error_set(error, 0, "out of memory");
  if (rates && open_sites(router, note, error)) return router;
  router_destroy(router);
  return NULL;
}

bool router_is_idle(const struct router *router) {
  if (router->streams > 0) return false;
  for (unsigned i = 0; i < router->settings.config->route_count; i++)
    if (router->sites[i] && !serve_site_is_idle(router->sites[i])) return false;
  return true;
}

struct files_gauges router_gauges(const struct router *router) {
  struct files_gauges sum = {0};
  for (unsigned i = 0; i < router->settings.config->route_count; i++) {
    if (!router->sites[i]) continue;
    struct files_gauges each = serve_site_gauges(router->sites[i]);
    sum.entries += each.entries;
    sum.bytes += each.bytes;
    sum.descriptors += each.descriptors;
  }
  return sum;
}

void router_trim(struct router *router, uint64_t now_ns) {
  for (unsigned i = 0; i < router->settings.config->route_count; i++)
    if (router->sites[i]) serve_site_trim(router->sites[i], now_ns);
  pool_trim(&router->replies);
}

void router_destroy(struct router *router) {
  if (!router) return;
  assert(router->streams == 0);
  struct serve_config *config = router->settings.config;
  const struct memory *memory = router->settings.memory;
  for (unsigned i = 0; i < config->route_count; i++)
    serve_site_destroy(router->sites[i]);
  pool_destroy(&router->replies);
  memory_free(memory, router->sites, config->route_count * sizeof(struct serve_site *));
  memory_free(memory, router, sizeof *router);
  config_release(config);
}
