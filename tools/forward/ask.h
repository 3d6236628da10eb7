/*
 * forward/ask.h - one request to the API server: the fields that every request has, and those of its step.
 * Owner: on the stack of who makes the request; keeps its strings, and borrows those of its access.
 */
#ifndef WEIR_FORWARD_ASK_H
#define WEIR_FORWARD_ASK_H

#include "engine/http/headers.h"
#include "engine/ws/mount.h"
#include "tools/client/url.h"
#include "tools/forward/access.h"
#include "tools/forward/api.h"

struct ask {
  struct header fields[12 + WS_CLIENT_FIELDS];
  size_t count;
  char path[URL_BYTES_MAX + API_PATH_BYTES];
};

/* Begins with the pseudo-header fields, the user agent and the credentials. `path` follows that of the server's URL.
 * `protocol`: of a tunnel; else NULL. */
void ask_begin(struct ask *ask, const struct access *access, const char *method,
               const char *protocol, const char *path);

void ask_add(struct ask *ask, enum header_token token, const char *value);
void ask_add_named(struct ask *ask, const char *name, const char *value);

#endif
