/*
 * base/address.c - reading and writing "host:port".
 */
#include "io/base/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* One to five digits, at most 65535, nothing else. */
static bool parse_port(const char *text, uint16_t *port) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 5 || text[digits]) return false;
  unsigned value = 0;
  for (size_t i = 0; i < digits; i++)
    value = value * 10 + (unsigned)(text[i] - '0');
  if (value > UINT16_MAX) return false;
  *port = (uint16_t)value;
  return true;
}

static void set_ipv6(struct address *address, struct in6_addr host, uint32_t scope, uint16_t port) {
  *address = (struct address){.len = sizeof address->ipv6};
  address->ipv6.sin6_family = AF_INET6;
  address->ipv6.sin6_addr = host;
  address->ipv6.sin6_scope_id = scope;
  address->ipv6.sin6_port = htons(port);
}

static void set_ipv4(struct address *address, struct in_addr host, uint16_t port) {
  *address = (struct address){.len = sizeof address->ipv4};
  address->ipv4.sin_family = AF_INET;
  address->ipv4.sin_addr = host;
  address->ipv4.sin_port = htons(port);
}

/* "fe80::1%eth0": the part behind '%' names the interface. */
static bool parse_ipv6(struct address *address, const char *host, uint16_t port) {
  char literal[INET6_ADDRSTRLEN];
  size_t len = strcspn(host, "%");
  struct in6_addr ipv6;
  uint32_t scope = 0;
  if (len >= sizeof literal) return false;
  memcpy(literal, host, len);
  literal[len] = 0;
  if (host[len] == '%' && !(scope = if_nametoindex(host + len + 1))) return false;
  if (inet_pton(AF_INET6, literal, &ipv6) != 1) return false;
  set_ipv6(address, ipv6, scope, port);
  return true;
}

bool address_from_host(struct address *address, const char *host, uint16_t port) {
  char inner[ADDRESS_TEXT_BYTES];
  size_t len = strlen(host);
  struct in_addr ipv4;
  if (len >= sizeof inner) return false;
  if (host[0] == '[') {
    if (len < 3 || host[len - 1] != ']') return false;
    memcpy(inner, host + 1, len - 2);
    inner[len - 2] = 0;
    return parse_ipv6(address, inner, port);
  }
  if (strcmp(host, "localhost") == 0) host = "127.0.0.1";
  if (inet_pton(AF_INET, host, &ipv4) != 1) return parse_ipv6(address, host, port);
  set_ipv4(address, ipv4, port);
  return true;
}

bool address_from_path(struct address *address, const char *path) {
  size_t len = strlen(path);
  *address = (struct address){.local = {.sun_family = AF_UNIX}};
  if (len == 0 || len >= sizeof address->local.sun_path) return false;
  memcpy(address->local.sun_path, path, len);
  bool abstract = path[0] == '@';
  if (abstract) address->local.sun_path[0] = 0; /* and its length ends it, not a NUL */
  address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !abstract);
  return true;
}

bool address_parse(struct address *address, const char *text) {
  char host[ADDRESS_TEXT_BYTES];
  uint16_t port;
  const char *colon = strrchr(text, ':');
  if (!parse_port(colon ? colon + 1 : text, &port)) return false;
  size_t len = colon ? (size_t)(colon - text) : 0;
  if (len >= sizeof host) return false;
  memcpy(host, text, len);
  host[len] = 0;
  if (!colon) return address_from_host(address, "127.0.0.1", port);
  if (len == 0 || strcmp(host, "*") == 0) {
    set_ipv6(address, in6addr_any, 0, port);
    return true;
  }
  /* "::1:8080" could be either; an IPv6 host has to stand in brackets. */
  if (host[0] != '[' && strchr(host, ':')) return false;
  return address_from_host(address, host, port);
}

const char *address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES]) {
  char host[INET6_ADDRSTRLEN] = "?", scope[IF_NAMESIZE + 1] = "";
  if (address->any.sa_family == AF_INET) {
    inet_ntop(AF_INET, &address->ipv4.sin_addr, host, sizeof host);
    snprintf(text, ADDRESS_TEXT_BYTES, "%s:%u", host, address_port(address));
    return text;
  }
  if (address->any.sa_family == AF_UNIX) {
    bool abstract = address->local.sun_path[0] == 0;
    int len = (int)(address->len - offsetof(struct sockaddr_un, sun_path)) - abstract;
    snprintf(text, ADDRESS_TEXT_BYTES, "unix:%s%.*s", abstract ? "@" : "", len,
             address->local.sun_path + abstract);
    return text;
  }
  inet_ntop(AF_INET6, &address->ipv6.sin6_addr, host, sizeof host);
  if (address->ipv6.sin6_scope_id) {
    scope[0] = '%';
    if (!if_indextoname(address->ipv6.sin6_scope_id, scope + 1)) scope[0] = 0;
  }
  snprintf(text, ADDRESS_TEXT_BYTES, "[%s%s]:%u", host, scope, address_port(address));
  return text;
}

bool address_is_loopback(const struct address *address) {
  static const uint8_t own[16] = {[15] = 1}, mapped[13] = {[10] = 0xff, 0xff, 127};
  uint8_t bytes[16];
  uint16_t port;
  address_to_peer(address, bytes, &port);
  return memcmp(bytes, own, sizeof own) == 0 || memcmp(bytes, mapped, sizeof mapped) == 0;
}

bool address_is_any(const struct address *address) {
  if (address->any.sa_family == AF_INET) return address->ipv4.sin_addr.s_addr == INADDR_ANY;
  return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr);
}

bool address_overlaps(const struct address *address, const struct address *other) {
  uint8_t bytes[16], others_bytes[16];
  uint16_t port, others_port;
  address_to_peer(address, bytes, &port);
  address_to_peer(other, others_bytes, &others_port);
  if (port != others_port || port == 0) return false;
  const bool any = address_is_any(address), others_any = address_is_any(other);
  if (address->any.sa_family == other->any.sa_family)
    return any || others_any || memcmp(bytes, others_bytes, sizeof bytes) == 0;
  return address->any.sa_family == AF_INET6 ? any && !others_any : others_any && !any;
}

uint16_t address_port(const struct address *address) {
  _Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
                 "the port lies at one place in both");
  return ntohs(address->ipv4.sin_port);
}

void address_set_port(struct address *address, uint16_t port) {
  address->ipv4.sin_port = htons(port);
}

void address_to_peer(const struct address *address, uint8_t bytes[16], uint16_t *port) {
  memset(bytes, 0, 16);
  *port = 0;
  if (address->any.sa_family == AF_INET) {
    bytes[10] = bytes[11] = 0xff;
    memcpy(bytes + 12, &address->ipv4.sin_addr, 4);
    *port = address_port(address);
  } else if (address->any.sa_family == AF_INET6) {
    memcpy(bytes, &address->ipv6.sin6_addr, 16);
    *port = address_port(address);
  }
}
