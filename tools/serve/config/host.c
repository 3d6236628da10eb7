/*
 * serve/config/host.c - see serve/config/host.h.
 */
#include "tools/serve/config/host.h"

#include <arpa/inet.h>
#include <string.h>

#include "engine/base/text.h"

static bool are_digits(struct span text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.base[i] < '0' || text.base[i] > '9') return false;
  return true;
}

/* An address in brackets, then perhaps a port. */
static bool literal(struct span authority, char room[HOST_BYTES_MAX], struct span *out) {
  const uint8_t *end = memchr(authority.base, ']', authority.len);
  char text[INET6_ADDRSTRLEN];
  struct in6_addr address;
  if (!end) return false;
  size_t len = (size_t)(end - authority.base) - 1;
  struct span rest = span_skip(authority, len + 2);
  if (len >= sizeof text || (rest.len > 0 && rest.base[0] != ':')) return false;
  if (rest.len > 0 && !are_digits(span_skip(rest, 1))) return false;
  memcpy(text, authority.base + 1, len);
  text[len] = 0;
  if (inet_pton(AF_INET6, text, &address) != 1) return false;
  room[0] = '[';
  if (!inet_ntop(AF_INET6, &address, room + 1, HOST_BYTES_MAX - 2)) return false;
  len = strlen(room);
  room[len++] = ']';
  *out = span_of(room, len);
  return true;
}

static bool is_plain(uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

bool host_normal(struct span authority, char room[HOST_BYTES_MAX], struct span *out) {
  if (authority.len > 0 && authority.base[0] == '[') return literal(authority, room, out);
  const uint8_t *colon = authority.len > 0 ? memchr(authority.base, ':', authority.len) : NULL;
  size_t len = colon ? (size_t)(colon - authority.base) : authority.len;
  if (colon && !are_digits(span_skip(authority, len + 1))) return false;
  if (len > 1 && authority.base[len - 1] == '.') len--;
  if (len > HOST_BYTES_MAX) return false;
  for (size_t i = 0; i < len; i++) {
    uint8_t byte = text_lower(authority.base[i]);
    bool dot = byte == '.' && i > 0 && i + 1 < len && room[i - 1] != '.';
    if (!dot && !is_plain(byte)) return false;
    room[i] = (char)byte;
  }
  *out = span_of(room, len);
  return true;
}
