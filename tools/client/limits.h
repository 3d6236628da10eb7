/*
 * client/limits.h - the bounds of connections that we make, with their reasons.
 */
#ifndef WEIR_TOOLS_CLIENT_LIMITS_H
#define WEIR_TOOLS_CLIENT_LIMITS_H

#include "engine/base/limits.h"

enum {
  URL_BYTES_MAX = 2048,      /* of a target: more than any browser shows */
  URL_ORIGIN_BYTES = 288,    /* "https://", an authority, and NUL */
  CLIENT_ADDRESSES_MAX = 8,  /* of one name, tried in turn; the resolver puts the best first */
  CLIENT_REASON_BYTES = 160, /* why a connection ended: two lines of a terminal */
};

/* For one address to accept the connection. Arbitrary. */
#define CLIENT_CONNECT_NS (10 * SECOND_NS)

/* When all is done: for GOAWAY and close_notify to leave. */
#define CLIENT_FAREWELL_NS (300 * MILLISECOND_NS)

#endif
