/*
 * client/limits.h - the bounds of connections that we make, with their reasons.
 */
#ifndef WEIR_TOOLS_CLIENT_LIMITS_H
#define WEIR_TOOLS_CLIENT_LIMITS_H

#include "engine/base/limits.h"

enum {
  URL_BYTES_MAX = 2048, /* of a target: more than any browser shows */
  /* The text of an origin: "https://", an authority, and NUL. Untested: a longer one is cut, as the
   * text of a message. */
  URL_ORIGIN_BYTES = 288,
  /* Addresses of one name, tried in turn; the resolver puts the best first. Untested: no name on a
   * machine that tests has nine. */
  CLIENT_ADDRESSES_MAX = 8,
  /* Why a connection ended: two lines of a terminal. Untested: a longer text is cut. */
  CLIENT_REASON_BYTES = 160,
};

/* For one address to accept the connection. Arbitrary. */
#define CLIENT_CONNECT_NS (10 * SECOND_NS)

/* When all is done: for GOAWAY and close_notify to leave. Untested: nothing but the end of the program
 * waits for it. */
#define CLIENT_FAREWELL_NS (300 * MILLISECOND_NS)

#endif
