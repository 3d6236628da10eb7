/*
 * load/json_parts.c - see load/json_parts.h.
 */
#include "tools/load/json_parts.h"

#include <stdlib.h>
#include <string.h>

void load_json_add_counts(json_t *object, const struct load_json_count *rows, size_t count) {
  for (size_t i = 0; i < count; i++)
    json_object_set_new(object, rows[i].name, load_json_integer(rows[i].value));
}

json_t *load_json_text(const char *text) {
  json_t *string = text ? json_string(text) : json_null();
  if (string) return string;
  char *tame = strdup(text);
  for (char *at = tame; at && *at; at++)
    if ((unsigned char)*at >= 0x80) *at = '?';
  string = json_string(tame);
  free(tame);
  return string;
}
