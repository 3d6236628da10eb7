/*
 * spdy/fault.c - see spdy/fault.h.
 */
#include "engine/spdy/fault.h"

#include "engine/spdy/client.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/ids.h"
#include "engine/spdy/life.h"
#include "engine/spdy/queue.h"
#include "engine/spdy/response.h"

/* GOAWAY of a session tells less than the status of a stream does; handlers get the latter. */
static uint32_t status_of_streams(enum spdy_goaway status) {
  if (status == SPDY_GOAWAY_FLOW_CONTROL_ERROR) return SPDY_FLOW_CONTROL_ERROR;
  return status == SPDY_GOAWAY_INTERNAL_ERROR ? SPDY_INTERNAL_ERROR : SPDY_PROTOCOL_ERROR;
}

static void end_session(struct spdy *spdy, enum spdy_goaway status, const char *reason) {
  spdy->dead = true;
  spdy->farewell_ns = spdy->now_ns + PEER_FAREWELL_NS;
  spdy_goaway(spdy, status);
  spdy_client_end(spdy, SPDY_END_BROKEN, status, reason);
  spdy_stream_finish_all(spdy, status_of_streams(status));
}

void spdy_fail(struct spdy *spdy, enum spdy_goaway status, const char *reason) {
  if (spdy->dead) return; /* only the first error is told */
  counter_add(&spdy->shared->counters.failed, 1);
  end_session(spdy, status, reason);
}

void spdy_calm(struct spdy *spdy, uint64_t *calmed, const char *reason) {
  if (spdy->dead) return;
  counter_add(&spdy->shared->counters.calmed, 1);
  counter_add(calmed, 1);
  end_session(spdy, SPDY_GOAWAY_PROTOCOL_ERROR, reason);
}

void spdy_lose(struct spdy *spdy) {
  if (spdy->dead) return;
  spdy->dead = spdy->lost = true;
  counter_add(&spdy->shared->counters.lost, 1);
  spdy_client_end(spdy, SPDY_END_LOST, 0, NULL);
  spdy_stream_finish_all(spdy, SPDY_CANCEL);
}

static bool charge(struct spdy *spdy, struct budget *budget, uint64_t *calmed, const char *reason) {
  struct spdy_counters *counters = &spdy->shared->counters;
  if (spdy->dead) return false;
  if (budget_spend(budget, 1, spdy->now_ns)) return true;
  if (pause_begin(&spdy->pause, spdy->now_ns, &counters->slowed, &counters->pauses)) return true;
  spdy_calm(spdy, calmed, reason);
  return false;
}

bool spdy_charge_frame(struct spdy *spdy, uint32_t cost, struct budget *budget, uint64_t *calmed,
                       const char *reason) {
  return (!spdy->dead && merit_pay(&spdy->merit, cost)) || charge(spdy, budget, calmed, reason);
}

bool spdy_charge_glitch(struct spdy *spdy, uint64_t *kind) {
  struct spdy_counters *counters = &spdy->shared->counters;
  counter_add(&counters->glitches, 1);
  counter_add(kind, 1);
  return spdy_charge_frame(spdy, 1, &spdy->glitches, &counters->calmed_glitches,
                           "too many useless frames");
}

void spdy_note_glitch(struct spdy *spdy, uint64_t *kind) {
  bool alive = spdy_charge_glitch(spdy, kind);
  (void)alive;
}

bool spdy_charge_reset(struct spdy *spdy) {
  struct spdy_counters *counters = &spdy->shared->counters;
  counter_add(&counters->charged_resets, 1);
  return charge(spdy, &spdy->resets, &counters->calmed_resets, "too many resets");
}

void spdy_note_reset(struct spdy *spdy) {
  bool alive = spdy_charge_reset(spdy);
  (void)alive;
}

void spdy_note_late(struct spdy *spdy) {
  if (spdy->late_free > 0)
    spdy->late_free--;
  else
    spdy_note_glitch(spdy, &spdy->shared->counters.glitches_late);
}

void spdy_fail_stream(struct spdy *spdy, uint32_t id, uint32_t status) {
  if (!spdy_charge_reset(spdy)) return;
  struct spdy_stream *stream = spdy_find(spdy, id);
  if (stream)
    spdy_stream_abort(spdy, stream, status);
  else
    spdy_rst_stream(spdy, id, status);
}

void spdy_act(struct spdy *spdy, uint32_t id, struct spdy_verdict verdict) {
  if (verdict.scope == SPDY_STREAM_ERROR) spdy_fail_stream(spdy, id, verdict.code);
  if (verdict.scope == SPDY_SESSION_ERROR)
    spdy_fail(spdy, (enum spdy_goaway)verdict.code, verdict.reason);
}

/* The client learns of it from a 400 (section 3.2.1) if it was not answered yet. */
void spdy_fail_body(struct spdy *spdy, struct spdy_stream *stream) {
  bool tells = spdy->server && !stream->final_queued;
  if (tells && spdy_response_queue(stream, 400, NULL, 0, true)) {
    stream->status = 400;
    counter_add(&spdy->http->counters.responses, 1);
  }
  spdy_fail_stream(spdy, stream->id, SPDY_PROTOCOL_ERROR);
}

bool spdy_end_received(struct spdy *spdy, struct spdy_stream *stream) {
  if (stream->content_length >= 0 && stream->body_received != stream->content_length) {
    spdy_fail_body(spdy, stream);
    return false;
  }
  stream->state = stream->fin_sent ? SPDY_CLOSED : SPDY_ENDED;
  spdy->receiving--;
  return true;
}
