/*
 * lib/limits.h - the bounds of the library's client, with their reasons.
 */
#ifndef WEIR_LIB_LIMITS_H
#define WEIR_LIB_LIMITS_H

#include "engine/base/limits.h"

enum {
  /* Fields of one request; servers take about as many. Untested: by name; test_weir.c, which knows
   * the public header alone, sends one more. */
  LIB_FIELDS_MAX = 100,
  /* Defaults that weir.h promises. Untested: to wait a minute, or for 64 MiB, shows little. */
  LIB_TIMEOUT_SECONDS_DEFAULT = 60,
  LIB_BODY_BYTES_DEFAULT = 64 << 20,
};

/* For GOAWAY to leave; nothing else is under way when a client is closed. Untested: nothing but the
 * close waits for it. */
#define LIB_FAREWELL_NS (1 * SECOND_NS)

/* How long a fetch waits before it posts again to a mailbox that is full. Untested: a full mailbox
 * needs IO_MAILBOX_ENTRIES threads that fetch at one moment. */
#define LIB_FULL_WAIT_NS (1 * MILLISECOND_NS)

#endif
