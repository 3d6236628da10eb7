/*
 * site/rules.c - see site/rules.h.
 */
#include "engine/site/rules.h"

#include "engine/base/pattern.h"
#include "engine/base/text.h"
#include "engine/site/mime.h"

static const char utf_8[] = "utf-8", index_html[] = "index.html";
static const struct span indexes[] = {{(const uint8_t *)index_html, sizeof index_html - 1}};

const struct site_rules site_rules_default = {
    .charset = {(const uint8_t *)utf_8, sizeof utf_8 - 1},
    .indexes = indexes,
    .index_count = 1,
};

static struct span last_segment(struct span path) {
  size_t begin = path.len;
  while (begin > 0 && path.base[begin - 1] != '/')
    begin--;
  return span_of(path.base + begin, path.len - begin);
}

/* The path has no slash at its beginning, and such a pattern has one. */
static bool matches(struct span pattern, struct span path) {
  if (pattern.len == 0 || pattern.base[0] != '/')
    return pattern_matches(pattern, last_segment(path), false);
  return pattern_matches(span_of(pattern.base + 1, pattern.len - 1), path, false);
}

struct span site_rules_cache(const struct site_rules *rules, struct span path,
                             struct span otherwise) {
  for (uint32_t i = 0; i < rules->cache_count; i++)
    if (matches(rules->cache[i].pattern, path)) return rules->cache[i].value;
  return otherwise;
}

struct span site_rules_type(const struct site_rules *rules, struct span path) {
  if (rules->type_count == 0) return (struct span){0};
  struct span extension = mime_extension(path);
  for (uint32_t i = 0; i < rules->type_count; i++)
    if (span_equal_ignoring_case(extension, rules->types[i].extension)) return rules->types[i].type;
  return (struct span){0};
}
