/*
 * common/option_values.c - see common/option_values.h.
 */
#include "tools/common/option_values.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"

bool option_number(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
  return decimal_within(span_text(text), min, max, out);
}

bool option_bytes(const char *text, double *out) {
  char *end;
  errno = 0;
  if (!(isdigit((unsigned char)*text) || *text == '.')) return false;
  double value = strtod(text, &end);
  if (end == text || errno) return false;
  double unit = *end == 'K' || *end == 'k' ? 1e3 : *end == 'M' || *end == 'm' ? 1e6 : 1;
  if (end[unit > 1] != 0) return false;
  *out = value * unit;
  return true;
}

bool option_field_check(const char *text) {
  size_t name = strcspn(text, ":");
  bool good = name > 0 && text[name] == ':';
  for (size_t i = 0; i < name; i++)
    good = good && text[i] > ' ' && text[i] < 0x7f;
  for (const char *at = text; *at; at++)
    good = good && ((unsigned char)*at >= ' ' || *at == '\t') && *at != 0x7f;
  return good;
}

bool option_field_read(const char *text, char name[OPTION_FIELD_NAME_BYTES], struct header *out) {
  const char *colon = strchr(text, ':');
  size_t len = (size_t)(colon - text);
  if (len >= OPTION_FIELD_NAME_BYTES) return false;
  for (size_t k = 0; k < len; k++)
    name[k] = (char)text_lower((uint8_t)text[k]);
  const char *value = colon + 1 + strspn(colon + 1, " \t");
  struct header field = {.name = span_of(name, len), .value = span_text(value)};
  field.token = (uint16_t)header_token_of(field.name);
  while (field.value.len > 0 && strchr(" \t", field.value.base[field.value.len - 1]))
    field.value.len--;
  *out = field;
  return true;
}

void option_field_set(struct header *fields, size_t *count, struct header field) {
  size_t at = 0;
  while (at < *count && !span_equal(fields[at].name, field.name))
    at++;
  if (at == *count) (*count)++;
  fields[at] = field;
}
