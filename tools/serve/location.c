/*
 * serve/location.c - see serve/location.h.
 */
#include "tools/serve/location.h"

#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"

static bool put(struct location *location, struct span text) {
  if (text.len > sizeof location->text - location->len) return false;
  if (text.len > 0) memcpy(location->text + location->len, text.base, text.len);
  location->len += text.len;
  return true;
}

static bool put_path(struct location *location, struct span path) {
  if (3 * path.len > sizeof location->text - location->len) return false;
  location->len += site_path_encode(path, location->text + location->len);
  return true;
}

/* What follows the first `skipped` bytes of the path, and the query. */
static bool put_rest(struct location *location, const struct site_path *path, size_t skipped) {
  struct span rest = span_skip(path->path, skipped);
  bool slash = path->directory && rest.len > 0;
  return put_path(location, rest) && (!slash || put(location, span_text("/"))) &&
         put(location, path->query);
}

bool location_of_route(struct location *location, const struct serve_route *route,
                       const struct site_path *path) {
  struct span target = span_text(route->redirect);
  size_t skipped = route->path.len + (route->path.len > 0 && path->path.len > route->path.len);
  location->len = 0;
  if (!put(location, target)) return false;
  return target.base[target.len - 1] != '/' || put_rest(location, path, skipped);
}

static bool put_port(struct location *location, uint16_t port) {
  uint8_t text[DECIMAL_BYTES_MAX];
  return put(location, span_text(":")) && put(location, span_of(text, decimal_put(text, port)));
}

bool location_of_https(struct location *location, struct span host, uint16_t port,
                       const struct site_path *path) {
  location->len = 0;
  return put(location, span_text("https://")) && put(location, host) &&
         (port == 443 || put_port(location, port)) && put(location, span_text("/")) &&
         put_rest(location, path, 0);
}
