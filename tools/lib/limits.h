/*
 * lib/limits.h - the bounds of the library's client, with their reasons.
 */
#ifndef WEIR_LIB_LIMITS_H
#define WEIR_LIB_LIMITS_H

#include "engine/base/limits.h"

enum {
  /* Fields of one request; servers take about as many. Untested: by name; tests use the public
   * header only, and send 100 and 101. */
  LIB_FIELDS_MAX = 100,
  /* Defaults that weir.h promises. Untested: a test would take a minute, or 64 MiB. */
  LIB_TIMEOUT_SECONDS_DEFAULT = 60,
  LIB_BODY_BYTES_DEFAULT = 64 << 20,
};

/* To send GOAWAY when a client is closed; nothing else is in flight then. Untested: only the close
 * waits for it. */
#define LIB_FAREWELL_NS (1 * SECOND_NS)

/* How long a fetch waits before it posts again to a mailbox that is full. Untested: to fill a
 * mailbox takes IO_MAILBOX_ENTRIES threads that fetch at the same moment. */
#define LIB_FULL_WAIT_NS (1 * MILLISECOND_NS)

/* Of a client: its connection, and those of HTTP/1.1 before it that are still closing. Untested: a server
 * would have to end eight in the time that closing takes; the fetch after them fails. */
enum { LIB_CLIENT_LINKS_MAX = 8 };

#endif
