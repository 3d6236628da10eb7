/*
 * client/url.h - parses http: and https: URLs. Spec: RFC 3986 section 5.2, without userinfo.
 * Fragments are dropped, since they are not sent.
 */
#ifndef WEIR_TOOLS_URL_H
#define WEIR_TOOLS_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/client/limits.h"

struct url {
  bool secure;
  uint16_t port;
  char host[256];             /* without brackets */
  char authority[272];        /* as :authority has it: no default port */
  char target[URL_BYTES_MAX]; /* path and query, "/" at least */
};

/* Parses an absolute http: or https: URL. */
__attribute__((warn_unused_result)) bool url_parse(struct url *url, const char *text);

/* Resolves `reference` against `base`: an absolute URL, "//host/path", "/path" or "path". */
__attribute__((warn_unused_result)) bool url_resolve(struct url *url, const struct url *base,
                                                     const char *reference);

/* Writes "https://host:port". */
void url_origin(const struct url *url, char text[URL_ORIGIN_BYTES]);

/* Same scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);

#endif
