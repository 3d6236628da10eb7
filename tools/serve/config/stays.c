/*
 * serve/config/stays.c - see serve/config/stays.h.
 */
#include "tools/serve/config/stays.h"

#include <string.h>

#include "tools/serve/config/keys.h"

/* What is in force when the key is not given, if a text says that. */
static struct config_text standard_of(const struct config_key *key) {
  return (struct config_text){.text = key->standard ? key->standard : ""};
}

static bool has_same(const struct serve_config *one, const struct serve_config *other,
                     const struct config_key *key) {
  const struct config_text standard = standard_of(key);
  const struct config_text *a = config_document_own(one->document.global, key)->first;
  const struct config_text *b = config_document_own(other->document.global, key)->first;
  if (!a) a = &standard;
  if (!b) b = &standard;
  for (; a && b && strcmp(a->text, b->text) == 0; b = b->next)
    a = a->next;
  return !a && !b;
}

void config_stays(const struct serve_config *first, const struct serve_config *first_tls,
                  const struct serve_config *now, void (*tell)(void *ctx, const char *name),
                  void *ctx) {
  for (size_t i = 0; i < config_key_count; i++) {
    const struct config_key *key = &config_keys[i];
    const struct serve_config *from = key->tls ? first_tls : first;
    if (key->scopes != CONFIG_GLOBAL || key->live || !from) continue;
    if (!has_same(from, now, key)) tell(ctx, key->name);
  }
}
