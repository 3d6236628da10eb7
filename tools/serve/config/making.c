/*
 * serve/config/making.c - see serve/config/making.h.
 */
#include "tools/serve/config/making.h"

#include <stdio.h>

#include "tools/common/failure.h"

const char *config_making_name(const struct config_making *making, const struct config_key *key) {
  return making->dashes[0] ? config_key_option(key) : key->name;
}

bool config_wrong(struct config_making *making, const char *format, ...) {
  char what[MISTAKE_BYTES];
  const char *name = config_making_name(making, making->key);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  return mistakes_add(making->mistakes, making->text->place, "%s%s %.*s: %s", making->dashes, name,
                      MISTAKE_BYTES / 3, failure_shown(making->text->text), what);
}
