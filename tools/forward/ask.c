/*
 * forward/ask.c - see forward/ask.h.
 */
#include "tools/forward/ask.h"

#include <stdio.h>

#include "tools/common/version.h"

void ask_add(struct ask *ask, enum header_token token, const char *value) {
  ask->fields[ask->count++] = header_of(token, span_text(value));
}

void ask_add_named(struct ask *ask, const char *name, const char *value) {
  ask->fields[ask->count++] = (struct header){.name = span_text(name), .value = span_text(value)};
}

void ask_begin(struct ask *ask, const struct access *access, const char *method,
               const char *protocol, const char *path) {
  ask->count = 0;
  snprintf(ask->path, sizeof ask->path, "%s%s", access->server.target, path);
  ask_add(ask, TOKEN_METHOD, method);
  ask_add(ask, TOKEN_SCHEME, access->server.secure ? "https" : "http");
  ask_add(ask, TOKEN_AUTHORITY, access->server.authority);
  ask_add(ask, TOKEN_PATH, ask->path);
  if (protocol) ask_add(ask, TOKEN_PROTOCOL, protocol);
  ask_add(ask, TOKEN_USER_AGENT, "weir/" WEIR_VERSION);
  if (!access->authorization) return;
  ask_add(ask, TOKEN_AUTHORIZATION, access->authorization);
  ask->fields[ask->count - 1].flags = HEADER_NEVER_INDEX;
}
