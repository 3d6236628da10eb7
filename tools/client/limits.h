/*
 * client/limits.h - the bounds of outgoing connections, with their reasons.
 */
#ifndef WEIR_TOOLS_CLIENT_LIMITS_H
#define WEIR_TOOLS_CLIENT_LIMITS_H

#include "engine/base/limits.h"

enum {
  URL_BYTES_MAX = 2048, /* of a target: more than any browser shows */
  /* The text of an origin: "https://", an authority, and NUL. Untested: longer ones are only cut in
   * messages. */
  URL_ORIGIN_BYTES = 288,
  /* Addresses of one name, tried in turn; the resolver sorts the best first. Untested: no test
   * machine has a name with nine. */
  CLIENT_ADDRESSES_MAX = 8,
  /* The name of an error code, with NUL. Untested: the longest has 19 letters. */
  CLIENT_CODE_BYTES = 24,
  /* A request for Upgrade: h2c besides its target: an authority, the fixed fields, HTTP2-Settings. Untested:
   * derived. */
  CLIENT_UPGRADE_FIELDS_BYTES = 512,
  /* Heads of responses until the server has switched: as large as servers take requests. */
  CLIENT_UPGRADE_ANSWER_BYTES = 8192,
  /* Why a connection ended: two lines on a terminal. Longer texts are cut. */
  CLIENT_REASON_BYTES = 160,
};

/* To connect to one address. Arbitrary. */
#define CLIENT_CONNECT_NS (10 * SECOND_NS)

/* At the end: to send GOAWAY and close_notify. Untested: only the exit of the program waits for
 * it. */
#define CLIENT_FAREWELL_NS (300 * MILLISECOND_NS)

#endif
