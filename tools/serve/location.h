/*
 * serve/location.h - the address that a redirect leads to.
 */
#ifndef WEIR_TOOLS_SERVE_LOCATION_H
#define WEIR_TOOLS_SERVE_LOCATION_H

#include "engine/site/path.h"
#include "tools/serve/config/config.h"
#include "tools/serve/limits.h"

struct location {
  uint8_t text[SERVE_LOCATION_BYTES_MAX];
  size_t len;
};

/* Of a route that redirects. A target that ends with a slash stands for the route's path: what the path has
 * behind that follows, and the query. False when it is too long. */
__attribute__((warn_unused_result)) bool location_of_route(struct location *location,
                                                           const struct serve_route *route,
                                                           const struct site_path *path);

/* The same address over https. `host` is in normal form (config/host.h). False when it is too long. */
__attribute__((warn_unused_result)) bool location_of_https(struct location *location,
                                                           struct span host, uint16_t port,
                                                           const struct site_path *path);

#endif
