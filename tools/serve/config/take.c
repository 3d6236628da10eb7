/*
 * serve/config/take.c - see serve/config/take.h.
 */
#include "tools/serve/config/take.h"

#include <ctype.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/h2/flow.h"
#include "engine/sched/limits.h"
#include "engine/site/limits.h"
#include "engine/site/path.h"
#include "tools/common/option_values.h"
#include "tools/serve/config/host.h"

/* ---- by type --------------------------------------------------------------------------------- */

/* The struct of the part that is being made. */
static void *target_of(const struct config_making *making) {
  uint8_t *base = (uint8_t *)making->config;
  if (making->route) base = (uint8_t *)making->route;
  if (making->certificate) base = (uint8_t *)making->certificate;
  return base + making->key->offset;
}

static bool take_flag(struct config_making *making, const char *text) {
  bool yes = strcmp(text, "true") == 0;
  if (!yes && strcmp(text, "false") != 0) return config_wrong(making, "expected true or false");
  *(bool *)target_of(making) = yes;
  return true;
}

static bool take_count(struct config_making *making, const char *text) {
  const struct config_key *key = making->key;
  uint64_t value = 0;
  bool automatic = key->automatic && strcmp(text, "auto") == 0;
  if (!automatic && !option_number(text, key->min, key->max, &value))
    return config_wrong(making, "expected a number from %u to %u%s", key->min, key->max,
                        key->automatic ? ", or auto" : "");
  *(unsigned *)target_of(making) = (unsigned)value;
  return true;
}

static bool take_text(struct config_making *making, const char *text) {
  if (!text[0]) return config_wrong(making, "expected some text");
  *(const char **)target_of(making) = text;
  return true;
}

void config_take(struct config_making *making, const char *text) {
  switch (making->key->type) {
  case CONFIG_FLAG: take_flag(making, text); break;
  case CONFIG_COUNT: take_count(making, text); break;
  case CONFIG_TEXT: take_text(making, text); break;
  case CONFIG_OTHER: making->key->take(making, text); break;
  }
}

static char *copy_of(struct config_making *making, struct span text) {
  char *copy = arena_text(&making->config->document.arena, text);
  if (!copy) config_wrong(making, "out of memory");
  return copy;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Whether it has the form NAME:PORT: well formed, but not an address. */
static bool is_name_and_port(const char *text) {
  const char *colon = strrchr(text, ':');
  if (!colon || colon == text) return false;
  size_t host = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
  uint64_t port;
  return host == (size_t)(colon - text) && isalpha((unsigned char)colon[-1]) &&
         option_number(colon + 1, 0, UINT16_MAX, &port);
}

/* Whether it means both loopback addresses, as a port alone does. */
static bool is_localhost(const char *text) {
  static const char local[] = "localhost:";
  return strncmp(text, local, sizeof local - 1) == 0 || !strchr(text, ':');
}

static bool not_an_address(struct config_making *making, const char *text) {
  if (!is_name_and_port(text))
    return config_wrong(making, "not an address; expected ADDR:PORT such as 127.0.0.1:8080");
  making->impossible = true;
  return mistakes_add(
      making->mistakes, making->text->place,
      "cannot listen on %s: not an address; localhost is the only name that weir looks up", text);
}

/* False with a mistake: the kernel would refuse one of the two. */
static bool is_vacant(struct config_making *making, const struct address *address) {
  const struct serve_config *config = making->config;
  char text[ADDRESS_TEXT_BYTES];
  bool taken = config->has_metrics && address_overlaps(address, &config->metrics);
  for (unsigned i = 0; i < config->listener_count; i++)
    taken = taken || address_overlaps(address, &config->listeners[i].address);
  return !taken ||
         config_wrong(making, "%s overlaps an address given before", address_format(address, text));
}

/* One that overlaps is added all the same, so that what needs it is no mistake. */
static bool add_listener(struct config_making *making, const struct serve_listener *listener) {
  struct serve_config *config = making->config;
  const bool vacant = is_vacant(making, &listener->address);
  if (config->listener_count == SERVE_LISTENERS_MAX)
    return config_wrong(making, "more than %d addresses", SERVE_LISTENERS_MAX);
  config->listeners[config->listener_count++] = *listener;
  return vacant;
}

static bool add_address(struct config_making *making, const char *text, bool secure,
                        uint16_t weight) {
  struct serve_listener listener = {.secure = secure, .weight = weight};
  if (!address_parse(&listener.address, text)) return not_an_address(making, text);
  if (!add_listener(making, &listener)) return false;
  listener.optional = true;
  return !is_localhost(text) ||
         !address_from_host(&listener.address, "::1", address_port(&listener.address)) ||
         add_listener(making, &listener);
}

/* Adds ADDR:PORT or ADDR:PORT,weight=N. */
static bool add_weighted(struct config_making *making, const char *text, bool secure) {
  static const char key[] = "weight=";
  uint16_t weight = 0;
  const char *comma = strchr(text, ',');
  if (!comma) return add_address(making, text, secure, 0);
  if (strncmp(comma + 1, key, sizeof key - 1) != 0 ||
      !serve_weight_parse(comma + sizeof key, &weight))
    return config_wrong(making, "expected ADDR:PORT,weight=N, N from 1 to %d", MACHINE_WEIGHT_MAX);
  const char *address = copy_of(making, span_of(text, (size_t)(comma - text)));
  return address && add_address(making, address, secure, weight);
}

bool config_take_http(struct config_making *making, const char *text) {
  return add_weighted(making, text, false);
}

bool config_take_https(struct config_making *making, const char *text) {
  return add_weighted(making, text, true);
}

bool config_take_weight(struct config_making *making, const char *text) {
  const char *problem = serve_weights_add(&making->config->weights, text);
  return !problem || config_wrong(making, "%s", problem);
}

/* ---- how to run ------------------------------------------------------------------------------ */

bool config_take_metrics(struct config_making *making, const char *text) {
  struct address address;
  if (!address_parse(&address, text)) return not_an_address(making, text);
  if (!is_vacant(making, &address)) return false;
  making->config->has_metrics = true;
  making->config->metrics = address;
  return true;
}

bool config_take_flow(struct config_making *making, const char *text) {
  return h2_flow_parse(text, &making->config->flow) ||
         config_wrong(making, "expected auto, consume, threshold or echo");
}

bool config_take_log_format(struct config_making *making, const char *text) {
  bool json = strcmp(text, "json") == 0;
  making->config->log_format = json ? LOG_JSON : LOG_COMBINED;
  return json || strcmp(text, "combined") == 0 || config_wrong(making, "expected combined or json");
}

bool config_take_ring(struct config_making *making, const char *text) {
  return ring_choice_parse(text, &making->config->ring) ||
         config_wrong(making, "expected auto, io_uring or epoll");
}

/* Where a rule for head starts goes: to the server's, or to those of the route. NULL when memory was refused. */
static struct head_start_rules *head_starts_of(struct config_making *making) {
  struct serve_route *route = making->route;
  if (!route) return &making->config->head_starts;
  if (!route->head_starts)
    route->head_starts = arena_alloc(&making->config->document.arena, sizeof *route->head_starts);
  if (!route->head_starts) config_wrong(making, "out of memory");
  return route->head_starts;
}

/* Converts the rule's type to lower case, since media types ignore case. A rule at the top is the server's, too: its
 * mistakes are told there. */
bool config_take_head_start(struct config_making *making, const char *text) {
  struct head_start_rules *rules = head_starts_of(making);
  bool told = making->route && !making->part->parent;
  char *copy = copy_of(making, span_text(text));
  if (!copy || !rules) return false;
  for (char *at = copy; *at && *at != '@' && *at != '='; at++)
    *at = (char)text_lower((uint8_t)*at);
  /* One place is reserved for the default. */
  bool room = rules->count + 1 < HEAD_START_RULES_MAX;
  if (room && head_start_add(rules, span_text(copy))) {
    if (making->route) making->route->narrow_head_starts |= !told;
    return true;
  }
  if (told) return false;
  if (!room) return config_wrong(making, "more than %u rules", HEAD_START_RULES_MAX - 1);
  return config_wrong(making, "expected TYPE[@PATH]=BYTES[k][:URGENCY] such as image/*=4k, or "
                              "scan for BYTES");
}

/* ---- hosts and routes ------------------------------------------------------------------------ */

static bool add_name(struct config_making *making, struct serve_names *names, struct span name) {
  names->at[names->count++] =
      (struct serve_name){.name = name, .place = making->text->place, .host = making->host};
  return true;
}

bool config_take_name(struct config_making *making, const char *text) {
  struct serve_config *config = making->config;
  bool wildcard = strncmp(text, "*.", 2) == 0;
  char room[HOST_BYTES_MAX];
  struct span name;
  if (!making->host->name) making->host->name = text;
  if (strcmp(text, "default") == 0) {
    if (config->any && config->any != making->host)
      return config_wrong(making, "another host is the default, too");
    config->any = making->host;
    return true;
  }
  for (const char *at = text; *at; at++)
    if ((unsigned char)*at >= 0x80)
      return config_wrong(making, "not ASCII; write the name's xn-- form");
  if (strcmp(text, "*") == 0 || strcmp(text, "_") == 0)
    return config_wrong(making, "use default for all other names");
  if (strstr(text, "://")) return config_wrong(making, "expected a name, not a URL");
  if (strchr(text, ':') && text[0] != '[')
    return config_wrong(making, "a host has no port: names count on all listeners");
  if (!host_normal(span_text(wildcard ? text + 2 : text), room, &name) || name.len == 0)
    return config_wrong(making, "expected a name such as example.org, *.example.org or default");
  const char *copy = copy_of(making, name);
  return copy &&
         add_name(making, wildcard ? &config->wildcards : &config->exact, span_of(copy, name.len));
}

bool config_take_path(struct config_making *making, const char *text) {
  uint8_t room[SITE_PATH_BYTES_MAX];
  struct site_path path;
  if (text[0] != '/') return config_wrong(making, "expected a path such as /docs/");
  if (site_path_parse(span_text(text), room, sizeof room, &path) != SITE_PATH_OK ||
      path.query.len > 0)
    return config_wrong(making, "no path that a request can have");
  const char *copy = copy_of(making, path.path);
  making->route->path = span_of(copy, path.path.len);
  return copy;
}

/* Whether it may stand in a location field: visible ASCII. */
static bool is_visible(const char *text) {
  while (*text > ' ' && *text < 0x7f)
    text++;
  return !*text;
}

bool config_take_redirect(struct config_making *making, const char *text) {
  bool url = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
  if ((!url && text[0] != '/') || !is_visible(text))
    return config_wrong(making, "expected an address such as https://example.org/ or /new/");
  if (strlen(text) > SERVE_FIELD_VALUE_BYTES_MAX)
    return config_wrong(making, "more than %d bytes", SERVE_FIELD_VALUE_BYTES_MAX);
  making->route->redirect = text;
  return true;
}

bool config_take_answer(struct config_making *making, const char *text) {
  making->route->answer = text;
  return true;
}

/* A valid field value (RFC 9110 section 5.5), without white space at the ends. */
bool config_take_field_value(struct config_making *making, const char *text) {
  size_t len = strlen(text);
  const char *name = making->key->name;
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
      return mistakes_add(making->mistakes, making->text->place,
                          "%s%s: a value must not contain control characters", making->dashes,
                          name);
  if (len > SERVE_FIELD_VALUE_BYTES_MAX)
    return mistakes_add(making->mistakes, making->text->place, "%s%s: more than %d bytes",
                        making->dashes, name, SERVE_FIELD_VALUE_BYTES_MAX);
  if (len == 0 || text[0] == ' ' || text[len - 1] == ' ')
    return config_wrong(making, "expected a value, without spaces around it");
  *(const char **)target_of(making) = text;
  return true;
}

bool config_take_preload(struct config_making *making, const char *text) {
  struct serve_route *route = making->route;
  const char *equals = strchr(text, '=');
  if (text[0] != '/' || !equals || equals[1] != '/' || strpbrk(text, " \t\r\n"))
    return config_wrong(making, "expected PAGE=PATH such as /=/style.css");
  if (!route->preloads)
    route->preloads =
        arena_alloc(&making->config->document.arena, SERVE_PRELOADS_MAX * sizeof *route->preloads);
  if (!route->preloads) return config_wrong(making, "out of memory");
  if (route->preload_count == SERVE_PRELOADS_MAX)
    return config_wrong(making, "more than %d; use %spush-manifest", SERVE_PRELOADS_MAX,
                        making->dashes);
  route->preloads[route->preload_count++] = text;
  return true;
}
