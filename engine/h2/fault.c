/*
 * h2/fault.c - see h2/fault.h.
 */
#include "engine/h2/fault.h"

#include "engine/h2/client.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/ids.h"
#include "engine/h2/life.h"

void h2_fail(struct h2 *h2, enum h2_error code, const char *reason) {
  if (h2->dead) return; /* only the first error is told (section 5.4) */
  h2->dead = true;
  h2->farewell_ns = h2->now_ns + PEER_FAREWELL_NS;
  struct h2_counters *counters = &h2->shared->counters;
  counter_add(code == H2_ENHANCE_YOUR_CALM ? &counters->calmed : &counters->failed, 1);
  if (code == H2_COMPRESSION_ERROR) counter_add(&counters->failed_compression, 1);
  h2_goaway(h2, h2->peer_id_handled, code, reason);
  h2_client_end(h2, H2_END_BROKEN, code, reason);
  h2_stream_finish_all(h2, code);
}

bool h2_charge(struct h2 *h2, struct budget *budget, uint64_t *calmed, const char *reason) {
  if (h2->dead) return false;
  struct h2_counters *counters = &h2->shared->counters;
  if (budget_spend(budget, 1, h2->now_ns)) return true;
  if (pause_begin(&h2->pause, h2->now_ns, &counters->slowed, &counters->pauses)) return true;
  counter_add(calmed, 1);
  h2_fail(h2, H2_ENHANCE_YOUR_CALM, reason);
  return false;
}

bool h2_charge_frame(struct h2 *h2, uint32_t cost, struct budget *budget, uint64_t *calmed,
                     const char *reason) {
  return (!h2->dead && merit_pay(&h2->merit, cost)) || h2_charge(h2, budget, calmed, reason);
}

bool h2_charge_glitch(struct h2 *h2, uint64_t *kind) {
  struct h2_counters *counters = &h2->shared->counters;
  counter_add(&counters->glitches, 1);
  counter_add(kind, 1);
  return h2_charge_frame(h2, 1, &h2->glitches, &counters->calmed_glitches,
                         "too many useless frames");
}

void h2_note_glitch(struct h2 *h2, uint64_t *kind) {
  bool alive = h2_charge_glitch(h2, kind);
  (void)alive;
}

bool h2_charge_reset(struct h2 *h2) {
  counter_add(&h2->shared->counters.charged_resets, 1);
  return h2_charge(h2, &h2->resets, &h2->shared->counters.calmed_resets, "too many resets");
}

void h2_note_reset(struct h2 *h2) {
  bool alive = h2_charge_reset(h2);
  (void)alive;
}

void h2_note_late(struct h2 *h2) {
  if (h2->role == H2_CLIENT) return;
  if (h2->late_free > 0 && h2->now_ns <= h2->late_until_ns)
    h2->late_free--;
  else
    h2_note_glitch(h2, &h2->shared->counters.glitches_late);
}

/* Section 8.1.1. Not inlined: then the other way needs no stack. */
__attribute__((noinline)) static bool length_is_wrong(struct h2 *h2, struct h2_stream *stream) {
  if (h2_charge_reset(h2)) h2_stream_abort(h2, stream, H2_PROTOCOL_ERROR);
  return false;
}

bool h2_stream_end_received(struct h2 *h2, struct h2_stream *stream) {
  if (stream->content_length >= 0 && stream->body_received != stream->content_length)
    return length_is_wrong(h2, stream);
  stream->end_received = true;
  h2->receiving--;
  h2_stream_event(stream, H2_RECV_END_STREAM);
  return true;
}

/* RST_STREAM, if there is a stream to reset, or was one whose end we have forgotten. An idle or
 * closed stream cannot be reset, so its error becomes the connection's, as section 5.4.1 allows. */
static void fail_stream(struct h2 *h2, uint32_t id, struct h2_verdict verdict) {
  struct h2_stream *stream = h2_find(h2, id);
  if (!stream && h2_state_of(h2, id) != H2_CLOSED_FORGOTTEN)
    h2_fail(h2, verdict.code, verdict.reason);
  else if (h2_charge_reset(h2))
    stream ? h2_stream_abort(h2, stream, verdict.code) : h2_rst_stream(h2, id, verdict.code);
}

void h2_act(struct h2 *h2, uint32_t id, struct h2_verdict verdict) {
  if (verdict.scope == H2_STREAM_ERROR) fail_stream(h2, id, verdict);
  if (verdict.scope == H2_CONNECTION_ERROR) h2_fail(h2, verdict.code, verdict.reason);
}
