/*
 * serve/config/document.c - see serve/config/document.h.
 */
#include "tools/serve/config/document.h"

#include "engine/base/text.h"
#include "tools/serve/limits.h"

static struct config_part *make_part(struct config_document *document, enum config_scope scope,
                                     struct place place) {
  struct config_part *part = arena_alloc(&document->arena, sizeof *part);
  if (!part) return NULL;
  part->scope = scope;
  part->place = place;
  return part;
}

bool config_document_init(struct config_document *document) {
  *document = (struct config_document){0};
  document->global = make_part(document, CONFIG_GLOBAL, (struct place){0});
  return document->global;
}

void config_document_free(struct config_document *document) {
  arena_free(&document->arena);
}

struct config_part *config_document_add(struct config_document *document,
                                        struct config_part *parent, enum config_scope scope,
                                        struct place place) {
  if (document->parts == CONFIG_PARTS_MAX) return NULL;
  struct config_part *part = make_part(document, scope, place);
  if (!part) return NULL;
  document->parts++;
  part->parent = parent;
  if (parent->last)
    parent->last->next = part;
  else
    parent->first = part;
  parent->last = part;
  return part;
}

static struct config_texts *find(const struct config_part *part, const struct config_key *key) {
  struct config_texts *texts = part->values;
  while (texts && texts->key != key)
    texts = texts->next;
  return texts;
}

const struct config_texts *config_document_own(const struct config_part *part,
                                               const struct config_key *key) {
  static const struct config_texts none;
  const struct config_texts *texts = find(part, key);
  return texts ? texts : &none;
}

void config_document_clear(struct config_part *part, const struct config_key *key) {
  struct config_texts *texts = find(part, key);
  if (texts) texts->first = texts->last = NULL;
}

static struct config_texts *find_or_add(struct config_document *document, struct config_part *part,
                                        const struct config_key *key, struct place place) {
  struct config_texts *texts = find(part, key);
  if (texts) return texts;
  texts = arena_alloc(&document->arena, sizeof *texts);
  if (!texts) return NULL;
  *texts = (struct config_texts){.key = key, .given = true, .place = place, .next = part->values};
  part->values = texts;
  return texts;
}

bool config_document_give(struct config_document *document, struct config_part *part,
                          const struct config_key *key, const char *text, struct place place) {
  struct config_texts *texts = find_or_add(document, part, key, place);
  if (!texts || !text) return texts;
  struct config_text *added = arena_alloc(&document->arena, sizeof *added);
  const char *copy = added ? arena_text(&document->arena, span_text(text)) : NULL;
  if (!copy) return false;
  *added = (struct config_text){.text = copy, .place = place};
  if (texts->last)
    texts->last->next = added;
  else
    texts->first = added;
  texts->last = added;
  return true;
}

/* Whether what stands in a wider part counts, too. */
static bool goes_on(const struct config_key *key, const struct config_texts *texts) {
  switch (key->inherits) {
  case CONFIG_OWN: return false;
  case CONFIG_REPLACES: return !texts->given;
  case CONFIG_ADDS: return true;
  }
  return false;
}

const struct config_text *config_document_next(const struct config_key *key,
                                               const struct config_part **part,
                                               const struct config_text *text) {
  if (text && text->next) return text->next;
  const struct config_part *at = *part;
  if (text && !goes_on(key, config_document_own(at, key))) return NULL;
  if (text) at = at->parent;
  for (; at; at = at->parent) {
    const struct config_texts *texts = config_document_own(at, key);
    *part = at;
    if (texts->first) return texts->first;
    if (!goes_on(key, texts)) return NULL;
  }
  return NULL;
}
