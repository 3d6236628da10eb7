/*
 * http/syntax.c - see http/syntax.h.
 */
#include "engine/http/syntax.h"

#include "engine/base/decimal.h"

#include <string.h>

/* ---- characters ------------------------------------------------------------------------------ */

enum {
  TCHAR = 1,    /* of a token: RFC 9110 section 5.6.2 */
  SCHEME = 2,   /* RFC 3986 section 3.1 */
  PATH = 4,     /* visible ASCII, no '#' */
  NAME = 8,     /* unreserved, sub-delims and '%': of a registered name (RFC 3986 section 3.2.2) */
  LITERAL = 16, /* the same and "[]:": of an address in brackets */
  HOST = NAME | LITERAL,
  ALNUM = TCHAR | SCHEME | PATH | HOST,
};

static const uint8_t classes[256] = {
    ['0' ... '9'] = ALNUM,
    ['A' ... 'Z'] = ALNUM,
    ['a' ... 'z'] = ALNUM,
    ['!'] = TCHAR | PATH | HOST,
    ['"'] = PATH,
    ['#'] = TCHAR,
    ['$'] = TCHAR | PATH | HOST,
    ['%'] = TCHAR | PATH | HOST,
    ['&'] = TCHAR | PATH | HOST,
    ['\''] = TCHAR | PATH | HOST,
    ['('] = PATH | HOST,
    [')'] = PATH | HOST,
    ['*'] = TCHAR | PATH | HOST,
    ['+'] = ALNUM,
    [','] = PATH | HOST,
    ['-'] = ALNUM,
    ['.'] = ALNUM,
    ['/'] = PATH,
    [':'] = PATH | LITERAL,
    [';'] = PATH | HOST,
    ['<'] = PATH,
    ['='] = PATH | HOST,
    ['>'] = PATH,
    ['?'] = PATH,
    ['@'] = PATH,
    ['['] = PATH | LITERAL,
    ['\\'] = PATH,
    [']'] = PATH | LITERAL,
    ['^'] = TCHAR | PATH,
    ['_'] = TCHAR | PATH | HOST,
    ['`'] = TCHAR | PATH,
    ['{'] = PATH,
    ['|'] = TCHAR | PATH,
    ['}'] = PATH,
    ['~'] = TCHAR | PATH | HOST,
};

static bool each(struct span text, uint8_t class_of_char) {
  uint8_t common = class_of_char;
  const uint8_t *at = text.base;
  size_t left = text.len;
  for (; left >= 4; at += 4, left -= 4)
    common &= classes[at[0]] & classes[at[1]] & classes[at[2]] & classes[at[3]];
  for (; left > 0; at++, left--)
    common &= classes[*at];
  return common;
}

bool syntax_is_token(struct span text) {
  return text.len > 0 && each(text, TCHAR);
}

bool syntax_is_protocol(struct span text) {
  const uint8_t *slash = text.len > 0 ? memchr(text.base, '/', text.len) : NULL;
  if (!slash) return syntax_is_token(text);
  size_t name = (size_t)(slash - text.base);
  return syntax_is_token(span_of(text.base, name)) && syntax_is_token(span_skip(text, name + 1));
}

typedef uint8_t vector __attribute__((vector_size(16)));

enum { VECTOR_BYTES = sizeof(vector) }; /* derived from the vector's type */

/* All bits set where a byte is not of PATH. */
static inline vector not_of_path(const uint8_t *at) {
  vector bytes;
  memcpy(&bytes, at, sizeof bytes);
  return (vector)((bytes <= ' ') | (bytes >= 0x7f) | (bytes == '#'));
}

/* each(text, PATH), 16 bytes a step. The last ones may overlap those before. */
static bool all_of_path(struct span text) {
  if (text.len < VECTOR_BYTES) return each(text, PATH);
  vector found = not_of_path(text.base + text.len - VECTOR_BYTES);
  for (size_t i = 0; i + VECTOR_BYTES < text.len; i += VECTOR_BYTES)
    found |= not_of_path(text.base + i);
  uint64_t halves[2];
  memcpy(halves, &found, sizeof halves);
  return (halves[0] | halves[1]) == 0;
}

bool syntax_is_path(struct span text) {
  return text.len > 0 && text.base[0] == '/' && all_of_path(text);
}

/* RFC 3986 section 3.1: it begins with a letter. */
bool syntax_is_scheme(struct span text) {
  return text.len > 0 && text.base[0] > '9' && each(text, SCHEME);
}

static bool valid_port(struct span text) {
  uint64_t port;
  return text.len == 0 || decimal_within(text, 0, UINT16_MAX, &port);
}

/* The length of the host, which ends at the port's colon or with the text; 0 if there is none. */
static size_t host_len(struct span text) {
  bool literal = text.base[0] == '[';
  const uint8_t *end = memchr(text.base, literal ? ']' : ':', text.len);
  if (literal) return end ? (size_t)(end - text.base) + 1 : 0;
  return end ? (size_t)(end - text.base) : text.len;
}

bool syntax_is_authority(struct span text, bool port_needed) {
  if (text.len == 0) return false;
  size_t len = host_len(text);
  struct span host = span_of(text.base, len);
  if (len == 0 || !each(host, text.base[0] == '[' ? LITERAL : NAME)) return false;
  if (len == text.len) return !port_needed;
  struct span port = span_of(text.base + len + 1, text.len - len - 1);
  return text.base[len] == ':' && valid_port(port) && (port.len > 0 || !port_needed);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool is_scheme(struct span scheme, const char *name) {
  return span_is_ignoring_case(scheme, name);
}

static bool ends_with(struct span text, const char *end) {
  size_t len = strlen(end);
  return text.len >= len && memcmp(text.base + text.len - len, end, len) == 0;
}

struct span syntax_normal_authority(struct span text, struct span scheme) {
  const char *implied = is_scheme(scheme, "https")  ? ":443"
                        : is_scheme(scheme, "http") ? ":80"
                                                    : ":";
  if (ends_with(text, implied)) return span_of(text.base, text.len - strlen(implied));
  return ends_with(text, ":") ? span_of(text.base, text.len - 1) : text;
}

bool syntax_same_authority(struct span a, struct span b, struct span scheme) {
  return span_equal_ignoring_case(syntax_normal_authority(a, scheme),
                                  syntax_normal_authority(b, scheme));
}
