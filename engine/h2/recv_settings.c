/*
 * h2/recv_settings.c - what the peer's SETTINGS change, and its acknowledgement of ours.
 * Spec: RFC 9113 sections 6.5 and 6.9.2; RFC 9218 section 2.1.1.
 *
 * h2/settings.c has the values and their bounds. Here are their effects on open streams, on
 * promises that have not been sent, and on the header tables of both ends.
 */
#include "engine/h2/recv_settings.h"

#include "engine/h2/client.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/fault.h"
#include "engine/h2/flow.h"
#include "engine/h2/life.h"
#include "engine/h2/priority.h"
#include "engine/h2/queue.h"

#include <assert.h>

/* Promises must not be sent after our acknowledgement (section 6.5.2). Those that are waiting end
 * in silence. */
static bool withdraw_promise(struct h2 *h2, struct h2_stream *stream) {
  if (stream->state != H2_RESERVED_LOCAL || stream->announced) return false;
  h2_stream_abort(h2, stream, H2_CANCEL);
  return true;
}

/* Section 6.9.2: a new initial window moves the window of every stream. One frame may set it
 * several times, but the streams are visited once: with 32 entries of 6 bytes, each could cost a
 * visit to all of them. `highest` is the farthest that the windows rise, which must not overflow
 * any of them; `end` is where they come to lie. */
static struct h2_verdict shift_windows(struct h2 *h2, int64_t highest, int64_t end) {
  for (struct h2_stream *stream = h2->all; stream; stream = stream->next) {
    if (!window_shift(&stream->window, highest))
      return h2_connection_error(H2_FLOW_CONTROL_ERROR, "initial window overflows a stream's");
    bool came_down = window_shift(&stream->window, end - highest);
    assert(came_down); /* a window is never below its initial value by more than was sent */
    (void)came_down;
    h2_queue_schedule(stream);
  }
  return H2_OK;
}

static struct h2_verdict apply_setting(struct h2 *h2, const uint8_t *entry) {
  struct h2_verdict verdict = h2_settings_apply(&h2->theirs, entry, h2->role);
  if (verdict.scope != H2_ACCEPT) return verdict;
  switch (h2_setting_id(entry)) {
  case H2_HEADER_TABLE_SIZE:
    hpack_encoder_set_limit(&h2->encoder, (uint32_t)h2_min(h2->theirs.header_table_size,
                                                           h2->shared->config.encoder_table_bytes));
    return H2_OK;
  case H2_ENABLE_PUSH:
    if (!h2->theirs.enable_push && h2->role == H2_SERVER) h2_stream_each(h2, withdraw_promise);
    return H2_OK;
  default: return H2_OK;
  }
}

/* Applies the entries in order, up to the first wrong one. If one before it has made a window
 * overflow, that error counts. */
static struct h2_verdict apply_settings(struct h2 *h2, struct span entries) {
  const int64_t before = h2->theirs.initial_window_size;
  int64_t highest = before;
  struct h2_verdict verdict = H2_OK;
  for (size_t at = 0; at < entries.len && verdict.scope == H2_ACCEPT; at += H2_SETTING_BYTES) {
    verdict = apply_setting(h2, entries.base + at);
    if (h2->theirs.initial_window_size > highest) highest = h2->theirs.initial_window_size;
  }
  const int64_t end = h2->theirs.initial_window_size;
  if (highest == before && end == before) return verdict;
  struct h2_verdict moved = shift_windows(h2, highest - before, end - before);
  return moved.scope == H2_ACCEPT ? verdict : moved;
}

/* Streams that were opened before the peer knew our smaller initial window began with the
 * protocol's; from now on both sides count from ours. A stream that kept aiming at the larger
 * window would return too little credit, too late, and both sides would wait. */
static void shrink_credits(struct h2 *h2) {
  uint32_t ours = h2->ours.initial_window_size;
  if (ours >= H2_INITIAL_WINDOW_BYTES) return;
  for (struct h2_stream *stream = h2->all; stream; stream = stream->next) {
    window_credit_shrink(&stream->credit, H2_INITIAL_WINDOW_BYTES - ours);
    h2_flow_consumed(h2, stream, 0); /* what was too little to return may be enough now */
  }
}

static void settings_acked(struct h2 *h2) {
  if (h2->settings_unacked == 0) {
    h2_fail(h2, H2_PROTOCOL_ERROR, "SETTINGS ACK without SETTINGS");
    return;
  }
  h2->settings_unacked--;
  shrink_credits(h2);
  hpack_decoder_set_limit(&h2->decoder, h2->ours.header_table_size);
}

void h2_recv_settings(struct h2 *h2, const struct h2_frame *frame) {
  if (frame->header.flags & H2_FLAG_ACK) {
    settings_acked(h2);
    return;
  }
  struct h2_counters *counters = &h2->shared->counters;
  if (frame->settings.len > H2_SETTINGS_ENTRIES_MAX * H2_SETTING_BYTES) {
    counter_add(&counters->calmed_settings, 1);
    h2_fail(h2, H2_ENHANCE_YOUR_CALM, "too many settings in a frame");
    return;
  }
  if (h2->settings_received) counter_add(&counters->charged_settings, 1);
  if (h2->settings_received &&
      !h2_charge_frame(h2, 1 + h2->active_peer / PEER_SETTINGS_STREAMS, &h2->settings,
                       &counters->calmed_settings, "too many SETTINGS"))
    return;
  const uint32_t priorities_before = h2->theirs.no_rfc7540_priorities;
  struct h2_verdict verdict = apply_settings(h2, frame->settings);
  bool changed = h2->theirs.no_rfc7540_priorities != priorities_before;
  if (verdict.scope == H2_ACCEPT && h2->settings_received && changed) /* RFC 9218 section 2.1.1 */
    verdict = h2_connection_error(H2_PROTOCOL_ERROR, "NO_RFC7540_PRIORITIES changes");
  if (verdict.scope != H2_ACCEPT) {
    h2_fail(h2, verdict.code,
            verdict.reason); /* any error in SETTINGS is of the connection: section 6.5 */
    return;
  }
  h2->settings_received = true;
  h2_priority_settings(h2);
  struct h2_frame_header ack = {.type = H2_SETTINGS, .flags = H2_FLAG_ACK};
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES);
  if (room) h2_control_sent(h2, h2_frame_header_encode(room, ack));
  if (h2->client && h2->client->settings) h2->client->settings(h2->client_ctx, h2);
}

bool h2_recv_settings_upgraded(struct h2 *h2, struct span entries) {
  if (apply_settings(h2, entries).scope != H2_ACCEPT) return false;
  h2_priority_settings(h2);
  return true;
}
