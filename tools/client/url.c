/*
 * client/url.c - see client/url.h.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/decimal.h"
#include "tools/client/url.h"

static bool copy(char *to, size_t size, const char *from, size_t len) {
  if (len >= size) return false;
  memcpy(to, from, len);
  to[len] = 0;
  return true;
}

/* A request target has no spaces, no control characters, and only ASCII. */
static bool is_target(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (text[i] <= ' ' || text[i] >= 0x7f) return false;
  return true;
}

static bool set_target(struct url *url, const char *text) {
  size_t len = strcspn(text, "#");
  if (!is_target(text, len)) return false;
  if (len == 0) return copy(url->target, sizeof url->target, "/", 1);
  if (text[0] == '/') return copy(url->target, sizeof url->target, text, len);
  if (text[0] != '?' || len + 2 > sizeof url->target) return false;
  url->target[0] = '/';
  return copy(url->target + 1, sizeof url->target - 1, text, len);
}

static bool set_port(struct url *url, const char *text, size_t len) {
  if (len == 0) return true; /* "host:" has the default port */
  uint64_t port;
  if (!decimal_within(span_of(text, len), 1, UINT16_MAX, &port)) return false;
  url->port = (uint16_t)port;
  return true;
}

static bool is_host(const char *text, size_t len, bool literal) {
  const char *allowed = literal ? "0123456789abcdefABCDEF:.%" : "-._~";
  for (size_t i = 0; i < len; i++) {
    bool alphanumeric = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
                        (text[i] >= 'A' && text[i] <= 'Z');
    if (!(alphanumeric && !literal) && !(text[i] && strchr(allowed, text[i]))) return false;
  }
  return len > 0;
}

static void set_authority(struct url *url, bool literal) {
  char port[8] = "";
  if (url->port != (url->secure ? 443 : 80)) snprintf(port, sizeof port, ":%u", url->port);
  snprintf(url->authority, sizeof url->authority, literal ? "[%s]%s" : "%s%s", url->host, port);
}

/* `text` is what follows "//". */
static bool set_host(struct url *url, const char *text, size_t len) {
  bool literal = len > 0 && text[0] == '[';
  const char *end = literal ? memchr(text, ']', len) : memchr(text, ':', len);
  if (literal && !end) return false;
  const char *host = literal ? text + 1 : text;
  size_t host_len = end ? (size_t)(end - host) : len;
  const char *rest = end ? end + literal : text + len;
  if (!is_host(host, host_len, literal)) return false;
  if (!copy(url->host, sizeof url->host, host, host_len)) return false;
  url->port = url->secure ? 443 : 80;
  size_t rest_len = len - (size_t)(rest - text);
  if (rest_len > 0 && (rest[0] != ':' || !set_port(url, rest + 1, rest_len - 1))) return false;
  set_authority(url, literal);
  return true;
}

static bool parse_behind_scheme(struct url *url, const char *text) {
  if (strncmp(text, "//", 2) != 0) return false;
  size_t len = strcspn(text + 2, "/?#");
  return set_host(url, text + 2, len) && set_target(url, text + 2 + len);
}

bool url_parse(struct url *url, const char *text) {
  *url = (struct url){0};
  url->secure = strncasecmp(text, "https:", 6) == 0;
  if (!url->secure && strncasecmp(text, "http:", 5) != 0) return false;
  return parse_behind_scheme(url, text + (url->secure ? 6 : 5));
}

bool url_resolve(struct url *url, const struct url *base, const char *reference) {
  if (strncasecmp(reference, "http:", 5) == 0 || strncasecmp(reference, "https:", 6) == 0)
    return url_parse(url, reference);
  *url = *base;
  if (strncmp(reference, "//", 2) == 0) return parse_behind_scheme(url, reference);
  if (reference[0] == '/') return set_target(url, reference);
  if (reference[0] == 0) return true;
  char whole[2 * URL_BYTES_MAX];
  size_t path = strcspn(base->target, "?"), directory = path;
  while (reference[0] != '?' && directory > 0 && base->target[directory - 1] != '/')
    directory--;
  int len = snprintf(whole, sizeof whole, "%.*s%s", (int)directory, base->target, reference);
  return len > 0 && (size_t)len < sizeof whole && set_target(url, whole);
}

void url_origin(const struct url *url, char text[URL_ORIGIN_BYTES]) {
  snprintf(text, URL_ORIGIN_BYTES, "%s://%s", url->secure ? "https" : "http", url->authority);
}

bool url_same_origin(const struct url *a, const struct url *b) {
  return a->secure == b->secure && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}
