/*
 * support/spdy_script_parts.c - see spdy_script_parts.h.
 */
#include "tests/support/spdy_script_parts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the transcript -------------------------------------------------------------------------- */

void spdy_script_log(struct spdy_script *script, const char *format, ...) {
  va_list args;
  size_t room = sizeof script->log - script->log_len;
  char *at = script->log + script->log_len;
  script->data_what[0] = 0;
  size_t comma = script->log_len ? (size_t)snprintf(at, room, ", ") : 0;
  va_start(args, format);
  size_t len = (size_t)vsnprintf(at + comma, room - comma, format, args);
  va_end(args);
  assert(comma + len < room);
  script->log_len += comma + len;
}

void spdy_script_log_data(struct spdy_script *script, const char *what, uint32_t id, size_t bytes,
                          bool end) {
  char key[sizeof script->data_what];
  (void)snprintf(key, sizeof key, "%s %u", what, id);
  bool again = strcmp(key, script->data_what) == 0;
  uint64_t sum = again ? script->data_bytes + bytes : bytes;
  size_t at = again ? script->data_at : script->log_len;
  script->log_len = at;
  script->log[at] = 0;
  spdy_script_log(script, "%s %llu%s", key, (unsigned long long)sum, end ? " end" : "");
  if (end) return;
  memcpy(script->data_what, key, sizeof key);
  script->data_at = at;
  script->data_bytes = sum;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static const char *expand(const char *word) {
  if (strcmp(word, "@get") == 0)
    return ":method=GET :path=/ :version=HTTP/1.1 :host=a :scheme=https";
  if (strcmp(word, "@head") == 0)
    return ":method=HEAD :path=/ :version=HTTP/1.1 :host=a :scheme=https";
  if (strcmp(word, "@post") == 0)
    return ":method=POST :path=/ :version=HTTP/1.1 :host=a :scheme=https";
  if (strcmp(word, "@ask") == 0) /* as the application gives it */
    return ":method=GET :scheme=https :authority=a :path=/";
  if (strcmp(word, "@ok") == 0) return ":status=200 :version=HTTP/1.1";
  return NULL;
}

/* One field of a word. Returns the end of its text in the static buffer. */
static char *put_field(struct header *field, const char *word, char *at) {
  const char *equals = strchr(word + 1, '=');
  assert(equals);
  size_t name_len = (size_t)(equals - word), value_len = strlen(equals + 1);
  bool big = strncmp(word, "big=", 4) == 0;
  if (big) value_len = strtoul(equals + 1, NULL, 10);
  memcpy(at, word, name_len);
  if (big)
    memset(at + name_len, 'x', value_len);
  else
    memcpy(at + name_len, equals + 1, value_len);
  *field =
      (struct header){.name = span_of(at, name_len), .value = span_of(at + name_len, value_len)};
  field->token = (uint16_t)header_token_of(field->name);
  return at + name_len + value_len;
}

static size_t read_words(const char *text, struct header *out, size_t max, char **at) {
  size_t count = 0;
  char word[512];
  int used;
  while (sscanf(text, " %511s%n", word, &used) == 1) {
    text += used;
    const char *expanded = expand(word);
    if (expanded) {
      count += read_words(expanded, out + count, max - count, at);
      continue;
    }
    if (!strchr(word + 1, '=')) continue; /* p3, a1 */
    assert(count < max);
    *at = put_field(&out[count++], word, *at);
  }
  return count;
}

size_t spdy_script_fields(const char *text, struct header *out, size_t max) {
  static char strings[SPDY_SCRIPT_TEXT_BYTES];
  char *at = strings;
  return read_words(text, out, max, &at);
}
