/*
 * site/types.c - see site/types.h.
 */
#include "engine/site/types.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/site/mime.h"

struct site_types_text {
  struct site_types_text *next;
  struct span type; /* that it was made of */
  size_t len;
  uint8_t bytes[];
};

static const char parameter[] = "; charset=";

void site_types_init(struct site_types *types, const struct memory *memory,
                     const struct site_rules *rules) {
  *types = (struct site_types){.memory = memory, .rules = rules};
}

void site_types_destroy(struct site_types *types) {
  while (types->texts) {
    struct site_types_text *text = types->texts;
    types->texts = text->next;
    memory_free(types->memory, text, sizeof *text + text->len);
  }
}

static bool begins(struct span text, const char *with) {
  size_t len = strlen(with);
  return text.len >= len && memcmp(text.base, with, len) == 0;
}

/* The type without its charset, if it is text: one of the table's, or one without a parameter. */
static bool is_text(struct span type, struct span *bare) {
  struct span rest;
  *bare = type;
  if (!span_cut(type, ';', bare, &rest)) return begins(type, "text/");
  return begins(rest, " charset=utf-8");
}

static struct span made(struct site_types *types, struct span type, struct span charset) {
  struct site_types_text *text = types->texts;
  while (text && !span_equal(text->type, type))
    text = text->next;
  if (text) return span_of(text->bytes, text->len);
  size_t mark = sizeof parameter - 1, len = type.len + mark + charset.len;
  text = memory_alloc(types->memory, sizeof *text + len);
  if (!text) return (struct span){0};
  *text = (struct site_types_text){.next = types->texts, .type = type, .len = len};
  memcpy(text->bytes, type.base, type.len);
  memcpy(text->bytes + type.len, parameter, mark);
  memcpy(text->bytes + type.len + mark, charset.base, charset.len);
  types->texts = text;
  return span_of(text->bytes, len);
}

struct span site_types_find(struct site_types *types, struct span path) {
  struct span charset = types->rules->charset, bare;
  struct span type = site_rules_type(types->rules, path);
  bool ruled = type.len > 0;
  if (!ruled) type = mime_type(path);
  if (!is_text(type, &bare)) return type;
  if (ruled && bare.len < type.len) return type; /* the rule says it all */
  if (charset.len == 0) return bare;
  if (!ruled && span_is(charset, "utf-8")) return type;
  struct span text = made(types, bare, charset);
  return text.len > 0 ? text : type;
}

bool site_types_know(const struct site_types *types, struct span path) {
  return site_rules_type(types->rules, path).len > 0 || mime_is_known(path);
}
