/*
 * spdy/control.c - see spdy/control.h.
 */
#include "engine/spdy/control.h"

#include "engine/spdy/client.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/fault.h"
#include "engine/spdy/ids.h"
#include "engine/spdy/life.h"
#include "engine/spdy/push.h"
#include "engine/spdy/queue.h"
#include "engine/spdy/ready.h"
#include "engine/spdy/windows.h"

/* ---- RST_STREAM ------------------------------------------------------------------------------ */

/* What wasted work of ours: a request that was not answered to its end. A raw stream that was accepted is a
 * connection that somebody has closed. */
static bool is_waste(const struct spdy_stream *stream) {
  if (!stream->spdy->server || stream->lingers) return false;
  return !stream->tunnel || stream->asks;
}

static void on_rst_stream(struct spdy *spdy, const struct spdy_frame *frame) {
  counter_add(&spdy->shared->counters.resets_received, 1);
  struct spdy_stream *stream = spdy_find(spdy, frame->stream_id);
  if (!stream) {
    spdy_note_late(spdy);
    return;
  }
  bool waste = is_waste(stream);
  spdy_stream_finish(spdy, stream, SPDY_RESET_REMOTE, frame->status);
  if (spdy->server && frame->status == SPDY_CANCEL && spdy->active_own > 0)
    spdy_push_cancel(spdy, frame->stream_id, SPDY_RESET_REMOTE);
  if (waste) spdy_note_reset(spdy);
}

/* ---- PING ------------------------------------------------------------------------------------ */

static void on_ping(struct spdy *spdy, const struct spdy_frame *frame) {
  if (spdy_is_own_id(spdy, frame->ping_id)) { /* an answer, as any byte is */
    if (spdy_windows_ping_answered(spdy, frame->ping_id)) spdy_ready_update_all(spdy);
    return;
  }
  struct spdy_counters *counters = &spdy->shared->counters;
  counter_add(&counters->charged_pings, 1);
  if (spdy_charge_frame(spdy, 1, &spdy->pings, &counters->calmed_pings, "too many PING frames"))
    spdy_pong(spdy, frame->ping_id);
}

/* ---- GOAWAY ---------------------------------------------------------------------------------- */

/* The peer does not handle our streams above its last one. */
static bool refuse_above_last(struct spdy *spdy, struct spdy_stream *stream) {
  if (!stream->own || stream->id <= spdy->goaway_last_id) return false;
  spdy_stream_finish(spdy, stream, SPDY_RESET_REMOTE, SPDY_REFUSED_STREAM);
  return true;
}

static void on_goaway(struct spdy *spdy, const struct spdy_frame *frame) {
  struct spdy_counters *counters = &spdy->shared->counters;
  counter_add(&counters->goaways_received, 1);
  bool first = !spdy->goaway_received;
  if (!first && !spdy_charge_glitch(spdy, &counters->glitches_goaways)) return;
  uint32_t last_id = frame->goaway.last_good_id;
  if (first || last_id < spdy->goaway_last_id) spdy->goaway_last_id = last_id;
  spdy->goaway_received = true;
  spdy->goaway_code = frame->goaway.status;
  if (first) spdy_client_closing(spdy);
  spdy_stream_each(spdy, refuse_above_last);
}

/* ---- WINDOW_UPDATE --------------------------------------------------------------------------- */

/* Credit granted byte by byte makes us work for nothing (CVE-2019-9511), so the peer may send as
 * many of these frames as our DATA allows. */
static bool update_affordable(struct spdy *spdy) {
  struct spdy_counters *counters = &spdy->shared->counters;
  switch (merit_update(&spdy->merit, spdy->now_ns)) {
  case MERIT_UPDATE_UNPAID: return spdy_charge_glitch(spdy, &counters->glitches_updates);
  case MERIT_UPDATE_SLOW: pause_rest(&spdy->pause, spdy->now_ns, &counters->pauses); break;
  case MERIT_UPDATE_PAID: break;
  }
  return true;
}

static void widen_session(struct spdy *spdy, uint32_t delta) {
  if (spdy->session.minor == SPDY_3) return; /* which has none: section 2.6.8 of 3 ignores it */
  if (window_add(&spdy->window, delta))
    spdy_ready_update_all(spdy);
  else
    spdy_fail(spdy, SPDY_GOAWAY_FLOW_CONTROL_ERROR, "the session's window overflows");
}

static void on_window_update(struct spdy *spdy, const struct spdy_frame *frame) {
  uint32_t id = frame->stream_id;
  if (!update_affordable(spdy)) return;
  spdy->knows_windows = true;
  if (spdy->windowless) return;
  if (id == 0) {
    widen_session(spdy, frame->delta);
    return;
  }
  struct spdy_stream *stream = spdy_find(spdy, id);
  if (!stream) return;
  if (window_add(&stream->window, frame->delta))
    spdy_ready_update(stream);
  else
    spdy_fail_stream(spdy, id, SPDY_FLOW_CONTROL_ERROR);
}

/* ---- SETTINGS -------------------------------------------------------------------------------- */

bool spdy_control_settings(struct spdy *spdy) {
  struct spdy_counters *counters = &spdy->shared->counters;
  spdy->set = 0;
  counter_add(&counters->charged_settings, 1);
  return spdy_charge_frame(spdy, 1 + spdy->active_peer / PEER_SETTINGS_STREAMS, &spdy->settings,
                           &counters->calmed_settings, "too many SETTINGS frames");
}

/* The windows of all streams move by the difference. */
static void initial_window(struct spdy *spdy, uint32_t bytes) {
  if (bytes > SPDY_WINDOW_BYTES_MAX) {
    spdy_fail(spdy, SPDY_GOAWAY_PROTOCOL_ERROR, "INITIAL_WINDOW_SIZE is too large");
    return;
  }
  int64_t delta = (int64_t)bytes - spdy->their_window_bytes;
  spdy->their_window_bytes = bytes;
  spdy->knows_windows = true;
  for (struct spdy_stream *stream = spdy->all; stream; stream = stream->next) {
    if (!window_shift(&stream->window, delta)) {
      spdy_fail(spdy, SPDY_GOAWAY_PROTOCOL_ERROR, "a stream's window overflows");
      return;
    }
  }
  spdy_ready_update_all(spdy);
}

/* Whether the frame has set it before: only its first value counts (section 2.6.4). */
static bool is_repeated(struct spdy *spdy, uint32_t id) {
  uint32_t bit = id < 16 ? 1u << id : 0;
  bool repeated = spdy->set & bit;
  spdy->set = (uint16_t)(spdy->set | bit);
  return repeated;
}

void spdy_control_setting(struct spdy *spdy, struct spdy_setting setting) {
  if (is_repeated(spdy, setting.id)) return;
  switch (setting.id) {
  case SPDY_SETTINGS_MAX_CONCURRENT_STREAMS: spdy->their_streams_max = setting.value; break;
  case SPDY_SETTINGS_INITIAL_WINDOW_SIZE: initial_window(spdy, setting.value); break;
  default: break; /* statistics of servers about clients, which we do not keep */
  }
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Combines what decoding said with what the stream's state says. */
static struct spdy_verdict check_state(const struct spdy *spdy, const struct spdy_frame *frame,
                                       struct spdy_verdict verdict) {
  if (frame->stream_id == 0 || frame->header.type == SPDY_RST_STREAM) return verdict;
  struct spdy_verdict fate =
      spdy_stream_receive(spdy_state_of(spdy, frame->stream_id), frame->header.type);
  return fate.scope == SPDY_ACCEPT ? verdict : fate;
}

void spdy_control_frame(struct spdy *spdy, const struct spdy_frame *frame,
                        struct spdy_verdict verdict) {
  typedef void handler_fn(struct spdy * spdy, const struct spdy_frame *frame);
  static handler_fn *const handlers[] = {
      [SPDY_RST_STREAM] = on_rst_stream,
      [SPDY_PING] = on_ping,
      [SPDY_GOAWAY] = on_goaway,
      [SPDY_WINDOW_UPDATE] = on_window_update,
  };
  verdict = check_state(spdy, frame, verdict);
  if (verdict.scope == SPDY_STREAM_ERROR)
    spdy_fail_stream(spdy, frame->stream_id, verdict.code);
  else
    handlers[frame->header.type](spdy, frame);
}
