/*
 * http/headers.c - see http/headers.h. http/header_names.c, which is generated, has the names.
 */
#include "engine/http/headers.h"

#include "engine/http/syntax.h"

#include <string.h>

_Static_assert(TOKEN_COUNT <= 64 + TOKEN_STATUS + 1, "no two regular fields share a bit");

/* Octets that a field name may not hold after a leading colon: those of RFC 9113 section 8.2.1, and
 * those that no token has (RFC 9110 section 5.1), which section 8.2.1 refuses as well. */
static const bool name_octet_bad[256] = {
    [0x00 ... 0x20] = true, ['"'] = true, ['('] = true,         [')'] = true,
    [','] = true,           ['/'] = true, [':' ... '@'] = true, ['A' ... 'Z'] = true,
    ['[' ... ']'] = true,   ['{'] = true, ['}'] = true,         [0x7f ... 0xff] = true,
};

void headers_init(struct headers *headers, struct header *fields, uint32_t max, uint8_t *arena,
                  size_t arena_bytes, size_t list_bytes_max) {
  *headers = (struct headers){.at = fields,
                              .max = max,
                              .list_bytes_max = list_bytes_max,
                              .arena = arena,
                              .arena_max = arena_bytes};
}

void headers_clear(struct headers *headers) {
  headers->count = 0;
  headers->list_bytes = 0;
  headers->arena_used = 0;
  headers->tokens = 0;
  headers->overflowed = false;
}

void headers_add(struct headers *headers, struct header field) {
  if (headers_account(headers, field.name.len, field.value.len))
    headers->at[headers->count++] = field;
  headers->tokens = 0;
}

uint8_t *headers_room(struct headers *headers, size_t bytes) {
  if (bytes > headers->arena_max - headers->arena_used) {
    headers->overflowed = true;
    return NULL;
  }
  uint8_t *room = headers->arena + headers->arena_used;
  headers->arena_used += bytes;
  return room;
}

uint64_t headers_tokens(const struct headers *headers) {
  uint64_t tokens = headers->tokens;
  if (tokens) return tokens;
  for (uint32_t i = 0; i < headers->count; i++)
    tokens |= header_bit(headers->at[i].token);
  return tokens;
}

const struct header *headers_find(const struct headers *headers, enum header_token token) {
  if (headers->tokens && !(headers->tokens & header_bit(token))) return NULL;
  for (uint32_t i = 0; i < headers->count; i++)
    if (headers->at[i].token == token) return &headers->at[i];
  return NULL;
}

const struct header *headers_find_name(const struct headers *headers, const char *name) {
  for (uint32_t i = 0; i < headers->count; i++)
    if (span_is(headers->at[i].name, name)) return &headers->at[i];
  return NULL;
}

static uint8_t *append(uint8_t *end, struct span text) {
  if (text.len) memcpy(end, text.base, text.len);
  return end + text.len;
}

bool headers_join_cookies(struct headers *headers) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < headers->count; i++)
    if (headers->at[i].token == TOKEN_COOKIE) bytes += headers->at[i].value.len + 2;
  uint8_t *joined = headers_room(headers, bytes), *end = joined;
  if (!joined) return false;
  struct header *first = NULL;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < headers->count; i++) {
    const struct header field = headers->at[i];
    if (field.token == TOKEN_COOKIE) {
      if (first) end = append(end, span_text("; "));
      end = append(end, field.value);
      if (first) {
        first->flags |= field.flags;
        continue;
      }
      first = &headers->at[kept];
    }
    headers->at[kept++] = field;
  }
  if (first) first->value = span_of(joined, (size_t)(end - joined));
  headers->count = kept;
  return true;
}

uint8_t header_name_flags(struct span name) {
  if (name.len == 0) return HEADER_NAME_BAD;
  bool bad = false;
  for (size_t i = name.base[0] == ':'; i < name.len; i++)
    bad |= name_octet_bad[name.base[i]];
  return bad ? HEADER_NAME_BAD : 0;
}

/* Not zero when one of the 8 octets is zero (the lowest such octet is found exactly; those above it
 * do not matter here). */
static inline uint64_t zero_octet(uint64_t octets) {
  return (octets - 0x0101010101010101u) & ~octets & 0x8080808080808080u;
}

static inline uint64_t forbidden_octet(uint64_t octets) {
  return zero_octet(octets) | zero_octet(octets ^ 0x0d0d0d0d0d0d0d0du) |
         zero_octet(octets ^ 0x0a0a0a0a0a0a0a0au);
}

uint8_t header_value_flags(struct span value) {
  if (value.len == 0) return 0;
  if (header_value_end_flags(value)) return HEADER_VALUE_BAD;
  uint64_t bad = 0, octets;
  size_t i = 0;
  for (; i + 8 <= value.len; i += 8) {
    memcpy(&octets, value.base + i, 8);
    bad |= forbidden_octet(octets);
  }
  for (; i < value.len; i++)
    bad |= value.base[i] == '\0' || value.base[i] == '\r' || value.base[i] == '\n';
  return bad ? HEADER_VALUE_BAD : 0;
}

static bool is_path(struct span value) {
  return syntax_is_path(value) || span_is(value, "*");
}

uint8_t header_pseudo_flags(unsigned token, struct span value) {
  bool good = true;
  switch (token) {
  case TOKEN_METHOD: good = syntax_is_token(value); break;
  case TOKEN_SCHEME: good = syntax_is_scheme(value); break;
  case TOKEN_PATH: good = is_path(value); break;
  case TOKEN_AUTHORITY: good = syntax_is_authority(value, false); break;
  default: break;
  }
  return good ? 0 : HEADER_PSEUDO_BAD;
}
