/*
 * serve/config/take_rules.c - see serve/config/take_rules.h.
 */
#include "tools/serve/config/take_rules.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/http/limits.h"
#include "engine/http/syntax.h"
#include "engine/site/limits.h"
#include "engine/site/path.h"
#include "tools/common/option_values.h"
#include "tools/common/process.h"
#include "tools/serve/coding/compress.h"
#include "tools/serve/rules/rules.h"

/* ---- pieces ---------------------------------------------------------------------------------- */

static bool out_of_memory(struct config_making *making) {
  return config_wrong(making, "out of memory");
}

/* `*at`, an array for `most` objects, made when it is first needed. False when it is full, too. */
static bool room_for_one(struct config_making *making, void **at, uint32_t count, uint32_t most,
                         size_t bytes) {
  if (count == most) return config_wrong(making, "more than %u of them", most);
  if (!*at) *at = arena_alloc(&making->config->document.arena, most * bytes);
  return *at || out_of_memory(making);
}

static struct span copy_of(struct config_making *making, struct span text) {
  return span_of(arena_text(&making->config->document.arena, text), text.len);
}

static struct span lower_copy_of(struct config_making *making, struct span text) {
  char *copy = arena_text(&making->config->document.arena, text);
  for (size_t i = 0; copy && i < text.len; i++)
    copy[i] = (char)text_lower((uint8_t)copy[i]);
  return span_of(copy, text.len);
}

/* Cuts "NAME: VALUE", with any number of blanks. */
static bool cut_pair(const char *text, struct span *name, struct span *value) {
  if (!span_cut(span_text(text), ':', name, value)) return false;
  while (value->len > 0 && value->base[0] == ' ')
    *value = span_of(value->base + 1, value->len - 1);
  return name->len > 0;
}

static bool is_long(struct config_making *making, struct span value) {
  if (value.len <= SERVE_FIELD_VALUE_BYTES_MAX) return false;
  config_wrong(making, "more than %d bytes", SERVE_FIELD_VALUE_BYTES_MAX);
  return true;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* Whether responses of the route may be compressed on the fly: those of redirects have no body. Both keys stand
 * before those of fields in the table, so they are known. */
static bool is_compressed(const struct serve_route *route) {
  return route->compress && !route->redirect;
}

static bool add_field(struct config_making *making, enum field_rule_kind kind, struct span name,
                      struct span value) {
  struct serve_rules *rules = making->route->rules;
  if (name.len == 0) return config_wrong(making, "expected the name of a field such as server");
  struct span lower = lower_copy_of(making, name);
  if (!lower.base) return out_of_memory(making);
  if (is_long(making, name) || is_long(making, value)) return false;
  const char *why = field_rule_refusal(kind, lower, value);
  if (why) return config_wrong(making, "%.*s %s", (int)lower.len, (const char *)lower.base, why);
  bool encoding = header_token_of(lower) == TOKEN_CONTENT_ENCODING;
  if (encoding && making->route->rest) return true; /* it is not sent with errors */
  if (encoding && is_compressed(making->route))
    return config_wrong(making, "needs compress: false, or responses that are compressed on the "
                                "fly would carry this coding, too");
  if (!room_for_one(making, (void **)&rules->fields, rules->field_count, FIELD_RULES_MAX,
                    sizeof *rules->fields) ||
      !room_for_one(making, (void **)&rules->field_parts, rules->field_count, FIELD_RULES_MAX,
                    sizeof(struct config_part *)))
    return false;
  struct header field = {.name = lower, .value = value};
  field.token = (uint16_t)header_token_of(lower);
  rules->field_parts[rules->field_count] = making->part;
  rules->fields[rules->field_count++] = (struct field_rule){kind, field};
  return true;
}

static bool take_pair(struct config_making *making, enum field_rule_kind kind, const char *text) {
  struct span name, value;
  if (!cut_pair(text, &name, &value))
    return config_wrong(making, "expected NAME: VALUE such as x-frame-options: DENY");
  return add_field(making, kind, name, value);
}

bool take_rules_header_set(struct config_making *making, const char *text) {
  return take_pair(making, FIELD_SET, text);
}

bool take_rules_header_add(struct config_making *making, const char *text) {
  return take_pair(making, FIELD_ADD, text);
}

bool take_rules_header_remove(struct config_making *making, const char *text) {
  return add_field(making, FIELD_REMOVE, span_text(text), (struct span){0});
}

static unsigned depth_of(const struct config_part *part) {
  unsigned depth = 0;
  while ((part = part->parent))
    depth++;
  return depth;
}

/* Whether a nearer part decides about the field of rule `index`. */
static bool is_overruled(const struct serve_rules *rules, uint32_t index) {
  const struct field_rule *rule = &rules->fields[index];
  for (uint32_t i = 0; i < rules->field_count; i++)
    if (rules->fields[i].kind != FIELD_ADD &&
        span_equal(rules->fields[i].field.name, rule->field.name) &&
        depth_of(rules->field_parts[i]) > depth_of(rules->field_parts[index]))
      return true;
  return false;
}

static void drop_overruled(struct serve_rules *rules) {
  bool overruled[FIELD_RULES_MAX];
  uint32_t kept = 0;
  for (uint32_t i = 0; i < rules->field_count; i++)
    overruled[i] = is_overruled(rules, i);
  for (uint32_t i = 0; i < rules->field_count; i++)
    if (!overruled[i]) rules->fields[kept++] = rules->fields[i];
  rules->field_count = kept;
}

/* ---- files ----------------------------------------------------------------------------------- */

bool take_rules_cache(struct config_making *making, const char *text) {
  struct site_rules *site = &making->route->rules->site;
  struct span pattern, value;
  if (!cut_pair(text, &pattern, &value) || value.len == 0 || header_value_flags(value))
    return config_wrong(making, "expected PATTERN: VALUE such as *.css: max-age=3600");
  if (is_long(making, pattern) || is_long(making, value) ||
      !room_for_one(making, (void **)&site->cache, site->cache_count, SERVE_CACHE_RULES_MAX,
                    sizeof *site->cache))
    return false;
  ((struct site_cache_rule *)(uintptr_t)site->cache)[site->cache_count++] =
      (struct site_cache_rule){pattern, value};
  return true;
}

bool take_rules_type(struct config_making *making, const char *text) {
  struct site_rules *site = &making->route->rules->site;
  struct span extension, type;
  bool pair = span_cut(span_text(text), '=', &extension, &type) && extension.len > 0;
  if (!pair || memchr(extension.base, '/', extension.len) || !memchr(type.base, '/', type.len) ||
      header_value_flags(type))
    return config_wrong(making, "expected EXTENSION=TYPE such as wasm=application/wasm");
  if (memchr(extension.base, '.', extension.len))
    return config_wrong(making, "what follows the last dot counts, without it");
  extension = lower_copy_of(making, extension);
  if (!extension.base) return out_of_memory(making);
  if (is_long(making, type) || !room_for_one(making, (void **)&site->types, site->type_count,
                                             SERVE_TYPES_MAX, sizeof *site->types))
    return false;
  ((struct site_type_rule *)(uintptr_t)site->types)[site->type_count++] =
      (struct site_type_rule){extension, type};
  return true;
}

bool take_rules_charset(struct config_making *making, const char *text) {
  struct span charset = span_text(text);
  if (charset.len > SITE_CHARSET_BYTES_MAX || !syntax_is_token(charset))
    return config_wrong(making, "expected a charset such as utf-8, or none");
  making->route->rules->site.charset = strcmp(text, "none") == 0 ? (struct span){0} : charset;
  return true;
}

bool take_rules_index(struct config_making *making, const char *text) {
  struct site_rules *site = &making->route->rules->site;
  struct span name = span_text(text);
  if (name.len > SITE_INDEX_BYTES_MAX || !site_path_shows(name))
    return config_wrong(making, "expected the name of a file such as index.html");
  if (!room_for_one(making, (void **)&site->indexes, site->index_count, SITE_INDEXES_MAX,
                    sizeof *site->indexes))
    return false;
  ((struct span *)(uintptr_t)site->indexes)[site->index_count++] = name;
  return true;
}

bool take_rules_fallback(struct config_making *making, const char *text) {
  uint8_t room[SITE_PATH_BYTES_MAX];
  struct site_path path;
  if (text[0] != '/' ||
      site_path_parse(span_text(text), room, sizeof room, &path) != SITE_PATH_OK ||
      path.query.len > 0 || path.directory)
    return config_wrong(making, "expected the path of a file below the directory: /index.html");
  making->route->rules->site.fallback = copy_of(making, path.path);
  return making->route->rules->site.fallback.base || out_of_memory(making);
}

bool take_rules_error_page(struct config_making *making, const char *text) {
  struct serve_rules *rules = making->route->rules;
  struct span number, file;
  uint64_t status = 0;
  bool pair = span_cut(span_text(text), '=', &number, &file) && file.len > 0;
  struct span digits = pair ? copy_of(making, number) : (struct span){0};
  if (!digits.base || !option_number((const char *)digits.base, 400, 599, &status))
    return config_wrong(making, "expected STATUS=FILE such as 404=/var/www/404.html");
  if (!room_for_one(making, (void **)&rules->pages, rules->page_count, SERVE_ERROR_PAGES_MAX,
                    sizeof *rules->pages) ||
      !room_for_one(making, (void **)&rules->page_files, rules->page_count, SERVE_ERROR_PAGES_MAX,
                    sizeof *rules->page_files))
    return false;
  rules->pages[rules->page_count].status = (uint16_t)status;
  rules->page_files[rules->page_count++] =
      (struct serve_error_file){.path = (const char *)file.base, .place = making->text->place};
  return true;
}

/* ---- who, and how often ---------------------------------------------------------------------- */

bool take_rules_access(struct config_making *making, const char *text) {
  struct serve_rules *rules = making->route->rules;
  if (!rules->access)
    rules->access = arena_alloc(&making->config->document.arena, sizeof *rules->access);
  if (!rules->access) return out_of_memory(making);
  const char *wrong = access_add(rules->access, text);
  return !wrong || config_wrong(making, "%s", wrong);
}

/* A limit that several routes inherit has one account for each client, so its number is its place. And what it
 * says: accounts outlive a reload, and debts to another limit must not. */
static bool take_rate(struct config_making *making, struct rate_limit *limit, const char *text) {
  const char *wrong = rate_limit_parse(limit, text);
  limit->number = making->text->place.line << 12 ^ making->text->place.column;
  for (const char *at = text; *at; at++)
    limit->number = limit->number * 31 + (uint8_t)*at;
  return !wrong || config_wrong(making, "%s", wrong);
}

bool take_rules_request_rate(struct config_making *making, const char *text) {
  if (strcmp(text, "none") == 0) return true;
  return take_rate(making, &making->route->rules->rate, text);
}

bool take_rules_connection_rate(struct config_making *making, const char *text) {
  if (strcmp(text, "none") == 0) return true;
  return take_rate(making, &making->config->connection_rate, text);
}

bool take_rules_connections_per_client(struct config_making *making, const char *text) {
  uint64_t count;
  if (strcmp(text, "none") == 0) return true;
  if (!option_number(text, 1, CLIENT_LINKS_EACH_MAX, &count))
    return config_wrong(making, "expected a number from 1 to %d, or none", CLIENT_LINKS_EACH_MAX);
  making->config->connections_per_client = (unsigned)count;
  return true;
}

/* ---- all of a route -------------------------------------------------------------------------- */

bool take_rules_begin(struct config_making *making) {
  struct serve_rules *rules = arena_alloc(&making->config->document.arena, sizeof *rules);
  making->route->rules = rules;
  if (!rules) return mistakes_add(making->mistakes, (struct place){0}, "out of memory");
  rules->site.charset = site_rules_default.charset;
  return true;
}

/* Whether the key was given in the part or in one around it. */
static bool is_given(const struct config_part *part, const char *name) {
  for (; part; part = part->parent)
    for (const struct config_texts *texts = part->values; texts; texts = texts->next)
      if (strcmp(texts->key->name, name) == 0) return true;
  return false;
}

/* A route whose rules are the server's has none of its own; others end with the default, too. */
static void end_head_starts(struct serve_route *route) {
  struct head_start_rules *rules = route->head_starts;
  if (rules && route->narrow_head_starts)
    rules->at[rules->count++] = head_start_rules_default.at[0];
  else
    route->head_starts = NULL;
}

void take_rules_end(struct config_making *making, const struct config_part *part) {
  struct serve_rules *rules = making->route->rules;
  rules->site.listing = making->route->listing;
  if (rules->site.index_count == 0 && !is_given(part, "index")) {
    rules->site.indexes = site_rules_default.indexes;
    rules->site.index_count = site_rules_default.index_count;
  }
  end_head_starts(making->route);
  drop_overruled(rules);
  if (rules->field_count > 0) {
    field_rules_init(&rules->field_filter, rules->fields, rules->field_count, &compress_filter);
    rules->filter = &rules->field_filter.filter;
  }
  if (rules->page_count > 0) {
    error_pages_init(&rules->page_filter, &process_memory, rules->pages, rules->page_count,
                     rules->filter ? rules->filter : &compress_filter);
    rules->filter = &rules->page_filter.filter;
  }
}
