/*
 * spdy/flow.c - see spdy/flow.h.
 *
 * Credit is charged as bytes arrive, not frame by frame: a frame may be longer than what may be held at once.
 */
#include "engine/spdy/flow.h"

#include "engine/spdy/connection.h"

#include <assert.h>

static bool has_session_window(const struct spdy *spdy) {
  return spdy->session.minor == SPDY_3_1;
}

/* ---- the budget ------------------------------------------------------------------------------ */

static bool has_room(const struct spdy_shared *shared, uint64_t bytes) {
  return shared->window_bytes_charged + bytes <= shared->config.window_budget_bytes;
}

/* What one more stream with a body to receive costs. */
static uint64_t price(const struct spdy *spdy) {
  if (!has_session_window(spdy)) return spdy->shared->config.stream_window_bytes;
  return spdy->charged_bytes ? 0 : spdy->credit.target;
}

bool spdy_flow_admits(const struct spdy *spdy) {
  return has_room(spdy->shared, price(spdy));
}

static void charge(struct spdy *spdy, uint64_t bytes) {
  spdy->charged_bytes += bytes;
  spdy->shared->window_bytes_charged += bytes;
}

static void uncharge(struct spdy *spdy, uint64_t bytes) {
  spdy->charged_bytes -= bytes;
  spdy->shared->window_bytes_charged -= bytes;
}

/* The session's window is widened the first time, if there is room for that. */
void spdy_flow_opened(struct spdy_stream *stream) {
  struct spdy *spdy = stream->spdy;
  uint32_t wide = spdy->shared->config.session_window_bytes;
  bool widens = has_session_window(spdy) && wide > spdy->credit.target && !spdy->charged_bytes;
  if (widens && has_room(spdy->shared, wide)) window_credit_retarget(&spdy->credit, wide);
  charge(spdy, price(spdy));
  stream->charged = true;
}

void spdy_flow_settle(struct spdy *spdy) {
  bool nothing = spdy->receiving == 0 && spdy->credit.held == 0;
  if (nothing && has_session_window(spdy)) uncharge(spdy, spdy->charged_bytes);
}

/* A client, and both sides of raw streams, are going to receive something: their window is wide from the
 * beginning, which also tells the peer that we know windows. */
void spdy_flow_init(struct spdy *spdy) {
  window_credit_init(&spdy->credit, SPDY_WINDOW_BYTES_INITIAL);
  bool wide = has_session_window(spdy) && (spdy->session.raw || !spdy->server);
  uint32_t bytes = spdy->shared->config.session_window_bytes;
  if (wide && bytes > spdy->credit.target) window_credit_retarget(&spdy->credit, bytes);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool is_strict(const struct spdy *spdy) {
  return spdy->session.windows == SPDY_WINDOWS_ON;
}

struct spdy_verdict spdy_flow_check(const struct spdy *spdy, const struct spdy_stream *stream,
                                    uint32_t bytes) {
  if (!is_strict(spdy) || bytes == 0) return SPDY_OK;
  if (has_session_window(spdy) && bytes > spdy->credit.granted)
    return spdy_session_error(SPDY_GOAWAY_FLOW_CONTROL_ERROR, "more than the session's window");
  if (stream && bytes > stream->credit.granted)
    return spdy_stream_error(SPDY_FLOW_CONTROL_ERROR, "more than the stream's window");
  return SPDY_OK;
}

static void credit_queue_add(struct spdy_stream *stream) {
  if (stream->in_credit_queue) return;
  stream->in_credit_queue = true;
  stream->credit_next = stream->spdy->credit_queue;
  stream->spdy->credit_queue = stream;
}

static void credit_queue_remove(struct spdy_stream *stream) {
  if (!stream->in_credit_queue) return;
  struct spdy_stream **at = &stream->spdy->credit_queue;
  while (*at != stream)
    at = &(*at)->credit_next;
  *at = stream->credit_next;
  stream->in_credit_queue = false;
}

static void judge_held(struct spdy_stream *stream) {
  struct spdy *spdy = stream->spdy;
  bool overfull = !is_strict(spdy) && stream->credit.held > SPDY_STREAM_HELD_BYTES_MAX;
  if (overfull == stream->overfull) return;
  stream->overfull = overfull;
  if (!overfull)
    spdy->overfull--;
  else if (spdy->overfull++ == 0)
    counter_add(&spdy->shared->counters.held, 1);
}

void spdy_flow_arrived(struct spdy *spdy, struct spdy_stream *stream, uint32_t bytes) {
  window_credit_overrun(&spdy->credit, bytes);
  if (!stream) {
    window_credit_consume(&spdy->credit, bytes);
    return;
  }
  window_credit_overrun(&stream->credit, bytes);
  judge_held(stream);
}

void spdy_flow_consumed(struct spdy_stream *stream, uint32_t bytes) {
  assert(bytes <= stream->credit.held);
#ifdef WEIR_CANARY_SPDY_LOST_CREDIT /* a bug on demand, which the simulation must find */
  if (stream->id % 8 == 5) return;
#endif
  window_credit_consume(&stream->credit, bytes);
  window_credit_consume(&stream->spdy->credit, bytes);
  credit_queue_add(stream);
  judge_held(stream);
}

void spdy_flow_forget(struct spdy_stream *stream) {
  struct spdy *spdy = stream->spdy;
  window_credit_consume(&spdy->credit, stream->credit.held);
  stream->credit.held = 0;
  judge_held(stream);
  credit_queue_remove(stream);
  if (!has_session_window(spdy) && stream->charged)
    uncharge(spdy, spdy->shared->config.stream_window_bytes);
}

/* ---- credit ---------------------------------------------------------------------------------- */

/* The smallest increment worth a WINDOW_UPDATE: a quarter of the window. */
static uint32_t least(const struct window_credit *credit) {
  return credit->target / 4 ? credit->target / 4 : 1;
}

static bool is_due(const struct window_credit *credit) {
  uint32_t due = window_credit_due(credit);
  return due > 0 && (due >= least(credit) || due < credit->returnable);
}

/* A peer that knows no windows needs no credit. But one that has used up a window exactly may know them after all
 * (spdy/windows.h), and would wait forever. */
static bool is_needed(const struct spdy *spdy, const struct window_credit *credit) {
  return !spdy->windowless || credit->granted == 0;
}

static bool session_due(const struct spdy *spdy) {
  return has_session_window(spdy) && is_needed(spdy, &spdy->credit) && is_due(&spdy->credit);
}

static bool stream_due(const struct spdy_stream *stream) {
  bool wanted = !spdy_stream_end_received(stream) && is_needed(stream->spdy, &stream->credit);
  return wanted && is_due(&stream->credit);
}

bool spdy_flow_wanted(const struct spdy *spdy) {
  if (session_due(spdy)) return true;
  for (const struct spdy_stream *stream = spdy->credit_queue; stream; stream = stream->credit_next)
    if (stream_due(stream)) return true;
  return false;
}

static bool send_increment(struct spdy *spdy, uint32_t id, struct window_credit *credit) {
  if (!out_has_room(&spdy->out, SPDY_WINDOW_UPDATE_BYTES)) return false;
  uint32_t delta = window_credit_take(credit, least(credit));
  if (delta) out_wrote(&spdy->out, spdy_frame_window_update_encode(out_at(&spdy->out), id, delta));
  return true;
}

bool spdy_flow_send(struct spdy *spdy) {
  if (session_due(spdy) && !send_increment(spdy, 0, &spdy->credit)) return false;
  while (spdy->credit_queue) {
    struct spdy_stream *stream = spdy->credit_queue;
    if (stream_due(stream) && !send_increment(spdy, stream->id, &stream->credit)) return false;
    credit_queue_remove(stream);
  }
  return true;
}
