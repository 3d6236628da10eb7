/*
 * h2/drain.c - see h2/drain.h.
 */
#include "engine/h2/drain.h"

#include "engine/h2/connection.h"
#include "engine/h2/control.h"

void h2_drain_begin(struct h2 *h2) {
  static const uint8_t opaque[8] = "draining";
  if (h2->draining || h2->dead) return;
  if (h2->role == H2_CLIENT) {
    h2_drain_finish(h2, NULL);
    return;
  }
  h2->draining = true;
  h2->drain_ns = h2->now_ns + H2_DRAIN_NS;
  h2_goaway(h2, H2_STREAM_ID_MAX, H2_NO_ERROR, NULL);
  h2_ping(h2, opaque);
}

void h2_drain_finish(struct h2 *h2, const char *reason) {
  h2->draining = h2->drain_final = true;
  h2_goaway(h2, h2->peer_id_max, H2_NO_ERROR, reason);
}
