/*
 * tunnel/routes.c - see tunnel/routes.h.
 */
#include "tools/tunnel/routes.h"

#include <string.h>

/* Derived from the longest path: api, v1, namespaces, NAMESPACE, pods, NAME, portforward. */
enum { SEGMENTS_MAX = 7 };

/* Segments of a path. Their number, or SEGMENTS_MAX + 1 if there are more. */
static unsigned split(struct span path, struct span segments[SEGMENTS_MAX]) {
  unsigned count = 0;
  struct span before;
  if (path.len == 0 || path.base[0] != '/') return 0;
  path = span_skip(path, 1);
  while (path.len > 0) {
    if (count == SEGMENTS_MAX) return count + 1;
    if (!span_cut(path, '/', &before, &path)) {
      before = path;
      path = span_of(NULL, 0);
    }
    segments[count++] = before;
  }
  return count;
}

static enum tunnel_route_kind of_one(struct span segment) {
  static const struct {
    const char *name;
    enum tunnel_route_kind kind;
  } names[] = {{"healthz", ROUTE_HEALTH},  {"livez", ROUTE_HEALTH}, {"readyz", ROUTE_HEALTH},
               {"version", ROUTE_VERSION}, {"api", ROUTE_CORE},     {"apis", ROUTE_GROUPS}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (span_is(segment, names[i].name)) return names[i].kind;
  return ROUTE_NONE;
}

/* A collection, or one thing in it. */
static enum tunnel_route_kind of_kind(struct span plural, bool one) {
  if (span_is(plural, "pods")) return one ? ROUTE_POD : ROUTE_PODS;
  if (span_is(plural, "services")) return one ? ROUTE_SERVICE : ROUTE_SERVICES;
  return ROUTE_NONE;
}

static void read_namespaced(const struct span *at, unsigned count, struct tunnel_route *route) {
  route->namespace = at[3];
  if (count == 4) {
    route->kind = ROUTE_NAMESPACE;
    return;
  }
  route->kind = of_kind(at[4], count > 5);
  if (count > 5) route->name = at[5];
  if (count < 7) return;
  bool forwards = route->kind == ROUTE_POD && span_is(at[6], "portforward");
  route->kind = forwards ? ROUTE_FORWARD : ROUTE_NONE;
}

struct tunnel_route route_read(struct span path) {
  struct tunnel_route route = {ROUTE_NONE, {0}, {0}, {0}};
  struct span at[SEGMENTS_MAX], rest;
  if (span_cut(path, '?', &rest, &route.query)) path = rest;
  unsigned count = split(path, at);
  if (count == 1) route.kind = of_one(at[0]);
  if (count < 2 || count > SEGMENTS_MAX || !span_is(at[0], "api") || !span_is(at[1], "v1"))
    return route;
  if (count == 2)
    route.kind = ROUTE_V1;
  else if (count == 3)
    route.kind = span_is(at[2], "namespaces") ? ROUTE_NAMESPACES : of_kind(at[2], false);
  else if (span_is(at[2], "namespaces"))
    read_namespaced(at, count, &route);
  return route;
}

/* ---- labels ---------------------------------------------------------------------------------- */

/* Decodes %XX into `out`, which has room for text.len. */
static struct span decode(struct span text, uint8_t *out) {
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    int escaped = text_escaped_byte(text, i);
    out[len++] = escaped < 0 ? text.base[i] : (uint8_t)escaped;
    if (escaped >= 0) i += 2;
  }
  return span_of(out, len);
}

/* The value of a parameter, not decoded. False: there is none. */
static bool parameter(struct span query, const char *name, struct span *value) {
  struct span each, key;
  while (query.len > 0) {
    if (!span_cut(query, '&', &each, &query)) {
      each = query;
      query = span_of(NULL, 0);
    }
    if (span_cut(each, '=', &key, value) && span_is(key, name)) return true;
  }
  return false;
}

bool route_selects(struct span query, const char *name) {
  static const char label[] = TUNNEL_LABEL "=";
  uint8_t decoded[3 * (TUNNEL_NAME_BYTES_MAX + sizeof label)];
  struct span value;
  if (!parameter(query, "labelSelector", &value) || value.len == 0) return true;
  if (value.len > sizeof decoded) return false;
  struct span text = decode(value, decoded);
  size_t key = sizeof label - 1;
  return text.len >= key && memcmp(text.base, label, key) == 0 &&
         span_is(span_skip(text, key), name);
}
