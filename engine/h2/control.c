/*
 * h2/control.c - control frames: queued here, sent before anything else.
 */
#include "engine/h2/control.h"

#include "engine/h2/connection.h"

#include <assert.h>

uint8_t *h2_control_room(struct h2 *h2, size_t bytes) {
  if (h2->lost) return NULL;
  if (!h2->control) {
    h2->control = pool_take(&h2->shared->controls);
    h2->control_since_ns = h2->now_ns;
  }
  if (!h2->control || h2->control_used + bytes > H2_CONTROL_BYTES) {
    h2->lost = true; /* not even a GOAWAY can be sent */
    return NULL;
  }
  return h2->control + h2->control_used;
}

void h2_control_sent(struct h2 *h2, uint8_t *end) {
  h2->control_used = (uint32_t)(end - h2->control);
  assert(h2->control_used <= H2_CONTROL_BYTES);
}

void h2_control_free(struct h2 *h2) {
  if (h2->control) pool_give(&h2->shared->controls, h2->control);
  h2->control = NULL;
  h2->control_used = 0;
}

void h2_wake(struct h2 *h2) {
  if (!h2->in_call && h2->host) h2->host->wake(h2->host);
}

void h2_rst_stream(struct h2 *h2, uint32_t id, uint32_t error_code) {
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 4);
  if (!room) return;
  h2_control_sent(h2, h2_frame_rst_stream_encode(room, id, error_code));
  counter_add(&h2->shared->counters.resets_sent, 1);
}

void h2_goaway(struct h2 *h2, uint32_t last_id, enum h2_error code, const char *reason) {
  struct span debug = reason ? span_text(reason) : (struct span){0};
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 8 + debug.len);
  if (!room) return;
  h2_control_sent(h2, h2_frame_goaway_encode(room, last_id, code, debug));
  counter_add(&h2->shared->counters.goaways_sent, 1);
}

void h2_ping(struct h2 *h2, const uint8_t opaque[8]) {
  h2_call_in(h2);
  if (h2->dead) return; /* nothing may follow the last GOAWAY */
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 8);
  if (room) h2_control_sent(h2, h2_frame_ping_encode(room, false, opaque));
  h2_wake(h2);
}

void h2_depend(struct h2 *h2, uint32_t stream_id, struct h2_dependency dependency) {
  h2_call_in(h2);
  if (h2->dead) return;
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 5);
  if (room) h2_control_sent(h2, h2_frame_priority_encode(room, stream_id, dependency));
  h2_wake(h2);
}

void h2_reprioritize(struct h2 *h2, uint32_t stream_id, struct span field) {
  h2_call_in(h2);
  if (h2->dead) return;
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 4 + field.len);
  if (room) h2_control_sent(h2, h2_frame_priority_update_encode(room, stream_id, field));
  h2_wake(h2);
}
