/*
 * common/option_values.c - see common/option_values.h.
 */
#include "tools/common/option_values.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"

bool option_number(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
  return decimal_within(span_text(text), min, max, out);
}

/* Digits with at most one point. Moves `*at` behind them. */
static bool read_decimal(const char **at, double *out) {
  char *end;
  size_t len = strspn(*at, "0123456789.");
  if (len == 0) return false;
  *out = strtod(*at, &end);
  if (end != *at + len) return false; /* "1.2.3", "0x10", "1e3" */
  *at = end;
  return isfinite(*out);
}

/* An optional k or M. Moves `*at` behind it. */
static double read_factor(const char **at) {
  double factor = **at == 'K' || **at == 'k' ? 1e3 : **at == 'M' || **at == 'm' ? 1e6 : 1;
  *at += factor > 1;
  return factor;
}

bool option_bytes(const char *text, double *out) {
  double value;
  if (!read_decimal(&text, &value)) return false;
  value *= read_factor(&text);
  if (*text) return false;
  *out = value;
  return true;
}

/* The length of one unit of time. Moves `*at` behind its name. False: there is no such unit. */
static bool read_unit(const char **at, double *seconds) {
  static const struct {
    const char *name;
    double seconds;
  } units[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
  size_t len = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
  for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (len != strlen(units[i].name) || strncmp(*at, units[i].name, len) != 0) continue;
    *seconds = units[i].seconds;
    *at += len;
    return true;
  }
  return false;
}

bool option_seconds(const char *text, double *out) {
  double sum = 0, value, unit = 1;
  const char *at = text;
  do {
    if (!read_decimal(&at, &value)) return false;
    bool bare = *at == 0 && sum == 0; /* seconds, if it is the only number */
    if (!bare && !read_unit(&at, &unit)) return false;
    sum += value * unit;
  } while (*at);
  if (sum > 86400) return false;
  *out = sum;
  return true;
}

bool option_rate(const char *text, double *out) {
  double count, period = 1;
  if (!read_decimal(&text, &count)) return false;
  count *= read_factor(&text);
  if (*text == '/') {
    text++;
    bool number = isdigit((unsigned char)*text) || *text == '.';
    if (number ? !option_seconds(text, &period) : !read_unit(&text, &period) || *text) return false;
  } else if (*text) {
    return false;
  }
  if (!(count > 0 && period > 0)) return false;
  *out = count / period;
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
