/*
 * http/priority_field.c - a dictionary of structured field values, of which two members matter; see
 * http/priority_field.h. Follows the parsing algorithms of RFC 8941 section 4.2.
 */
#include "engine/http/priority_field.h"
#include "engine/http/limits.h"

#include <assert.h>

/* The rest of the value. Readers return false when the bytes are not of their form; the whole value
 * is then malformed, and the cursor is no longer used. */
struct cursor {
  const uint8_t *at, *end;
};

enum value_type { VALUE_OTHER, VALUE_INTEGER, VALUE_BOOLEAN };

/* An item, as far as it matters here. `integer` is also 0 or 1 for a boolean. */
struct value {
  enum value_type type;
  int64_t integer;
};

static int peek(const struct cursor *cursor) {
  return cursor->at < cursor->end ? *cursor->at : -1;
}

static bool skip(struct cursor *cursor, int byte) {
  if (peek(cursor) != byte) return false;
  cursor->at++;
  return true;
}

static void skip_spaces(struct cursor *cursor) {
  while (skip(cursor, ' ')) {
  }
}

static void skip_optional_whitespace(struct cursor *cursor) {
  while (skip(cursor, ' ') || skip(cursor, '\t')) {
  }
}

static bool is_digit(int c) {
  return c >= '0' && c <= '9';
}
static bool is_lower(int c) {
  return c >= 'a' && c <= 'z';
}
static bool is_alpha(int c) {
  return is_lower(c | 0x20) && c >= 'A';
}

static bool is_one_of(int c, const char *set) {
  for (; *set; set++)
    if (c == *set) return true;
  return false;
}

static bool is_key(int c) {
  return is_lower(c) || is_digit(c) || is_one_of(c, "_-.*");
}

static bool is_token(int c) {
  return is_alpha(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~:/");
}

static bool is_base64(int c) {
  return is_alpha(c) || is_digit(c) || is_one_of(c, "+/=");
}

/* Section 4.2.3.3. */
static bool read_key(struct cursor *cursor, struct span *key) {
  const uint8_t *start = cursor->at;
  if (!is_lower(peek(cursor)) && peek(cursor) != '*') return false;
  while (is_key(peek(cursor)))
    cursor->at++;
  *key = span_of(start, (size_t)(cursor->at - start));
  return true;
}

/* Section 4.2.4: at most 15 digits, or 12 digits, a point and 1 to 3 more. */
static bool read_number(struct cursor *cursor, struct value *value) {
  bool negative = skip(cursor, '-');
  unsigned digits = 0, decimals = 0;
  *value = (struct value){.type = VALUE_INTEGER};
  for (; is_digit(peek(cursor)); digits++) {
    if (digits == 15) return false;
    value->integer = value->integer * 10 + (*cursor->at++ - '0');
  }
  if (digits == 0) return false;
  if (negative) value->integer = -value->integer;
  if (!skip(cursor, '.')) return true;
  value->type = VALUE_OTHER;
  for (; is_digit(peek(cursor)); decimals++)
    cursor->at++;
  return digits <= 12 && decimals >= 1 && decimals <= 3;
}

/* Section 4.2.5. */
static bool read_string(struct cursor *cursor) {
  cursor->at++;
  for (;;) {
    int c = peek(cursor);
    if (c < 0x20 || c > 0x7e) return false;
    cursor->at++;
    if (c == '"') return true;
    if (c == '\\' && !skip(cursor, '"') && !skip(cursor, '\\')) return false;
  }
}

/* Section 4.2.6. */
static bool read_token(struct cursor *cursor) {
  while (is_token(peek(cursor)))
    cursor->at++;
  return true;
}

/* Section 4.2.7. Whether the characters decode is not checked, as that section allows. */
static bool read_byte_sequence(struct cursor *cursor) {
  cursor->at++;
  while (is_base64(peek(cursor)))
    cursor->at++;
  return skip(cursor, ':');
}

/* Section 4.2.8. */
static bool read_boolean(struct cursor *cursor, struct value *value) {
  cursor->at++;
  *value = (struct value){.type = VALUE_BOOLEAN, .integer = peek(cursor) == '1'};
  return skip(cursor, '0') || skip(cursor, '1');
}

/* Section 4.2.3.1. */
static bool read_bare_item(struct cursor *cursor, struct value *value) {
  int c = peek(cursor);
  *value = (struct value){.type = VALUE_OTHER};
  if (c == '-' || is_digit(c)) return read_number(cursor, value);
  if (c == '?') return read_boolean(cursor, value);
  if (c == '"') return read_string(cursor);
  if (c == ':') return read_byte_sequence(cursor);
  return (is_alpha(c) || c == '*') && read_token(cursor);
}

/* Section 4.2.3.2. No parameter of an urgency means anything. */
static bool read_parameters(struct cursor *cursor) {
  while (skip(cursor, ';')) {
    struct span key;
    struct value value;
    skip_spaces(cursor);
    if (!read_key(cursor, &key)) return false;
    if (skip(cursor, '=') && !read_bare_item(cursor, &value)) return false;
  }
  return true;
}

/* Section 4.2.1.2. */
static bool read_inner_list(struct cursor *cursor) {
  cursor->at++;
  for (;;) {
    struct value value;
    skip_spaces(cursor);
    if (skip(cursor, ')')) return true;
    if (!read_bare_item(cursor, &value) || !read_parameters(cursor)) return false;
    if (peek(cursor) != ' ' && peek(cursor) != ')') return false;
  }
}

/* What follows a key: `=` and an item or inner list, or nothing, which means true. */
static bool read_member_value(struct cursor *cursor, struct value *value) {
  *value = (struct value){.type = VALUE_BOOLEAN, .integer = 1};
  if (skip(cursor, '=')) {
    if (peek(cursor) == '(') {
      value->type = VALUE_OTHER;
      if (!read_inner_list(cursor)) return false;
    } else if (!read_bare_item(cursor, value)) {
      return false;
    }
  }
  return read_parameters(cursor);
}

/* The last member of a name counts, even if it is one to be ignored. */
static void take_member(struct priority_field *field, struct span key, struct value value) {
  if (key.len != 1) return;
  if (key.base[0] == 'u') {
    field->has_urgency = value.type == VALUE_INTEGER && value.integer >= 0 &&
                         value.integer <= (int64_t)PRIORITY_URGENCY_MAX;
    field->urgency = field->has_urgency ? (uint8_t)value.integer : PRIORITY_URGENCY_DEFAULT;
  }
  if (key.base[0] == 'i') {
    field->has_incremental = value.type == VALUE_BOOLEAN;
    field->incremental = field->has_incremental && value.integer;
  }
}

/* Section 4.2.2. */
static bool read_dictionary(struct cursor *cursor, struct priority_field *field) {
  while (peek(cursor) >= 0) {
    struct span key;
    struct value value;
    if (!read_key(cursor, &key) || !read_member_value(cursor, &value)) return false;
    take_member(field, key, value);
    skip_optional_whitespace(cursor);
    if (peek(cursor) < 0) return true;
    if (!skip(cursor, ',')) return false;
    skip_optional_whitespace(cursor);
    if (peek(cursor) < 0) return false; /* a comma and nothing behind it */
  }
  return true;
}

void priority_field_parse(struct priority_field *field, struct span value) {
  if (field->malformed || value.len == 0) return;
  struct cursor cursor = {value.base, value.base + value.len};
  skip_spaces(&cursor);
  if (value.len <= PRIORITY_FIELD_BYTES_MAX && read_dictionary(&cursor, field)) return;
  *field = PRIORITY_FIELD_NONE;
  field->malformed = true;
}

size_t priority_field_write(uint8_t *out, uint8_t urgency, bool incremental) {
  assert(urgency <= PRIORITY_URGENCY_MAX);
  uint8_t *at = out;
  if (urgency != PRIORITY_URGENCY_DEFAULT) {
    *at++ = 'u';
    *at++ = '=';
    *at++ = (uint8_t)('0' + urgency);
    if (incremental) {
      *at++ = ',';
      *at++ = ' ';
    }
  }
  if (incremental) *at++ = 'i';
  return (size_t)(at - out);
}
