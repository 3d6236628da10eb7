/*
 * lib/response.c - see lib/response.h.
 */
#include "tools/lib/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void response_blame(struct weir_response *response, const char *format, ...) {
  va_list arguments;
  if (response->error[0]) return;
  va_start(arguments, format);
  vsnprintf(response->error, sizeof response->error, format, arguments);
  va_end(arguments);
}

/* "name\0value\0", one after the other. */
bool response_keep(struct weir_fields *kept, const struct headers *fields) {
  size_t len = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    len += fields->at[i].name.len + fields->at[i].value.len + 2;
  free(kept->text);
  char *at = kept->text = malloc(len + 1);
  kept->len = at ? len : 0;
  if (!at) return false;
  for (uint32_t i = 0; i < fields->count; i++) {
    const struct span parts[] = {fields->at[i].name, fields->at[i].value};
    for (int k = 0; k < 2; k++) {
      if (parts[k].len) memcpy(at, parts[k].base, parts[k].len);
      at[parts[k].len] = 0;
      at += parts[k].len + 1;
    }
  }
  return true;
}

/* Makes room for `len` more bytes of the body. */
static bool make_room(struct weir_response *response, size_t len, size_t *capacity, size_t max) {
  size_t needed = response->body_len + len;
  if (len > max - response->body_len) {
    response_blame(response, "the response is longer than %zu bytes", max);
    return false;
  }
  if (needed <= *capacity) return true;
  size_t bytes = 2 * needed < max ? 2 * needed : max;
  uint8_t *body = realloc(response->body, bytes);
  if (!body) {
    response_blame(response, "out of memory");
    return false;
  }
  response->body = body;
  *capacity = bytes;
  return true;
}

bool response_add(struct weir_response *response, struct span bytes, size_t *capacity, size_t max) {
  if (bytes.len == 0) return true;
  if (!make_room(response, bytes.len, capacity, max)) return false;
  memcpy(response->body + response->body_len, bytes.base, bytes.len);
  response->body_len += bytes.len;
  return true;
}

static const char *find(const struct weir_fields *fields, const char *name) {
  const char *at = fields->text, *end = at + fields->len;
  while (at && at < end) {
    const char *value = at + strlen(at) + 1;
    if (strcmp(at, name) == 0) return value;
    at = value + strlen(value) + 1;
  }
  return NULL;
}

const char *weir_response_field(const struct weir_response *response, const char *name) {
  return find(&response->fields, name);
}

const char *weir_response_trailer(const struct weir_response *response, const char *name) {
  return find(&response->trailers, name);
}

void weir_response_free(struct weir_response *response) {
  free(response->body);
  free(response->fields.text);
  free(response->trailers.text);
  *response = (struct weir_response){.status = 0};
}
