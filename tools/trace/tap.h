/*
 * trace/tap.h - a machine around HTTP/2 that passes everything on and records every frame.
 *
 * Received bytes count once the inner machine has taken them, sent bytes once they have left.
 */
#ifndef WEIR_TRACE_TAP_H
#define WEIR_TRACE_TAP_H

#include "tools/client/wrap.h"
#include "tools/trace/cutter.h"

struct trace_tap {
  struct wrap wrap; /* first */
  struct trace_cutter in, out;
  const uint64_t *since_ns; /* when the bytes received now started to arrive; NULL: now */

  /* Private: what the last peek returned and is not acked yet. */
  struct span peeked[32];
  size_t peeked_count;
};

/* Puts the tap around `machine`. */
void trace_tap_around(struct trace_tap *tap, struct machine *machine);

#endif
