/*
 * h2/clock.c - everything that happens because time has passed: what each clock does when it is
 * due, and the table of all clocks.
 */
#include "engine/h2/clock.h"

#include "engine/h2/connection.h"
#include "engine/h2/drain.h"
#include "engine/h2/fault.h"
#include "engine/h2/flow.h"
#include "engine/h2/life.h"
#include "engine/h2/pause.h"
#include "engine/h2/send.h"
#include "engine/h2/timers.h"

/* ---- the peer is late ------------------------------------------------------------------------ */

static void time_out(struct h2 *h2, uint64_t *kind, enum h2_error code, const char *reason) {
  if (h2->dead) return;
  counter_add(&h2->shared->counters.timeouts, 1);
  counter_add(kind, 1);
  h2_fail(h2, code, reason);
}

/* A server has our SETTINGS, and owes its own. */
static void preface_late(struct h2 *h2) {
  enum h2_error code = h2->role == H2_CLIENT ? H2_SETTINGS_TIMEOUT : H2_PROTOCOL_ERROR;
  time_out(h2, &h2->shared->counters.timeouts_preface, code, "no preface");
}

static void settings_late(struct h2 *h2) {
  time_out(h2, &h2->shared->counters.timeouts_settings, H2_SETTINGS_TIMEOUT,
           "SETTINGS were not acknowledged");
}

static void frame_late(struct h2 *h2) {
  time_out(h2, &h2->shared->counters.timeouts_frames, H2_ENHANCE_YOUR_CALM,
           "a frame takes too long");
}

static void replies_late(struct h2 *h2) {
  time_out(h2, &h2->shared->counters.timeouts_replies, H2_ENHANCE_YOUR_CALM,
           "replies are not read");
}

/* DATA has other clocks, one for each body. */
static bool frame_timed(const struct h2 *h2) {
  enum h2_read_phase phase = h2->reader.phase;
  return h2->reader.begun_ns && (phase == H2_READ_HEADER || phase == H2_READ_PAYLOAD);
}

/* ---- output ---------------------------------------------------------------------------------- */

/* The stream has more body to send. If its handler has nothing to give right now, it does not wait
 * for the peer. */
static bool has_more(const struct h2_stream *stream) {
  return stream->headers_sent && stream->body.ops && !stream->body_ended && !stream->body_waiting;
}

/* Output waits for the transport, or for the connection's window. */
static bool output_queued(const struct h2 *h2) {
  return h2->out.count || h2->urgent_queue || h2->briefs.first || h2->sched.ready_count;
}

/* Output waits for its stream's own window. */
static bool output_held(const struct h2 *h2) {
  for (const struct h2_stream *stream = h2->all; stream; stream = stream->next)
    if (has_more(stream)) return true;
  return false;
}

/* In the span that is measured the peer took a response to its end, or all that a handler had to say. */
static bool output_moved(const struct h2 *h2) {
  if (h2->stalled_ended) return true;
  for (const struct h2_stream *stream = h2->all; stream; stream = stream->next)
    if (!has_more(stream) && stream->spoke_ns > h2->stalled_since_ns) return true;
  return false;
}

static bool give_up_body(struct h2 *h2, struct h2_stream *stream) {
  if (!has_more(stream)) return false;
  h2_stream_cut(stream, H2_RECV_RST_STREAM);
  h2_stream_finish(h2, stream, H2_CANCEL);
  return true;
}

void h2_clock_give_up_blocked(struct h2 *h2) {
  if (h2->eof && !h2->dead && !h2_send_wanted(h2)) h2_stream_each(h2, give_up_body);
}

static void begin_span(struct h2 *h2) {
  h2->stalled_since_ns = h2->now_ns;
  h2->stalled_bytes = 0;
  h2->stalled_ended = false;
}

/* The peer takes little although there is more for it. It may have paused one response while it takes
 * others; then nothing else waits, at least not all the time. */
static bool is_stalled(const struct h2 *h2, uint64_t span_ns) {
  if (h2->stalled_bytes >= span_ns / SECOND_NS * PEER_SEND_BYTES_PER_SECOND_MIN) return false;
  bool queued = h2->queued_since_ns && h2->now_ns - h2->queued_since_ns >= PEER_SEND_STALL_NS;
  return queued || !output_moved(h2);
}

void h2_clock_watch_output(struct h2 *h2) {
  h2_clock_give_up_blocked(h2);
  bool queued = output_queued(h2);
  if (!queued) h2->queued_since_ns = 0;
  if (queued && !h2->queued_since_ns) h2->queued_since_ns = h2->now_ns;
  if (h2->role == H2_CLIENT || !(queued || output_held(h2))) {
    h2->stalled_since_ns = 0;
    return;
  }
  if (h2->stalled_since_ns == 0) {
    begin_span(h2);
    h2->held_look_ns = h2->now_ns + PEER_SEND_STALL_NS;
    return;
  }
  uint64_t span_ns = h2->now_ns - h2->stalled_since_ns;
  if (span_ns < PEER_SEND_STALL_NS || h2->pause.on) return;
  if (is_stalled(h2, span_ns)) {
    time_out(h2, &h2->shared->counters.timeouts_output, H2_ENHANCE_YOUR_CALM,
             "the responses are not taken");
    return;
  }
  begin_span(h2);
}

/* Looked at every PEER_SEND_STALL_NS. */
static bool held_too_long(const struct h2 *h2, struct h2_stream *stream) {
  uint64_t bytes = stream->body_sent - stream->held_bytes;
  bool slow = has_more(stream) && window_available(&stream->window) == 0 &&
              bytes < PEER_SEND_STALL_NS / SECOND_NS * PEER_SEND_BYTES_PER_SECOND_MIN;
  stream->held_bytes = stream->body_sent;
  if (!slow || !stream->held_since_ns) stream->held_since_ns = h2->now_ns;
  return h2->now_ns - stream->held_since_ns >= PEER_HELD_NS;
}

static bool watch_held(struct h2 *h2, struct h2_stream *stream) {
  const struct pool *streams = &h2->shared->streams;
  if (!held_too_long(h2, stream) || streams->taken < streams->max / PEER_SCARCE_PART) return false;
  counter_add(&h2->shared->counters.timeouts, 1);
  counter_add(&h2->shared->counters.timeouts_output, 1);
  h2_stream_abort(h2, stream, H2_CANCEL);
  return true;
}

/* Responses that their own windows hold back are given up, each for itself. */
static void watch_held_streams(struct h2 *h2) {
  h2->held_look_ns = h2->now_ns + PEER_SEND_STALL_NS;
  h2_stream_each(h2, watch_held);
}

/* ---- request bodies -------------------------------------------------------------------------- */

/* The request's body need not be fast while our windows hold the peer back. */
static bool keeps_pace(const struct h2 *h2, struct h2_stream *stream) {
  const struct h2_config *config = &h2->shared->config;
  const struct pace_rule rule = {.bytes_per_second_min = config->body_bytes_per_second_min,
                                 .grace_ns = PEER_BODY_GRACE_NS,
                                 .idle_ns = config->body_idle_ns};
  bool held_back = stream->credit.granted <= 0 || h2->credit.granted <= 0;
  return pace_is_kept(&stream->pace, &rule, stream->opened_ns, h2->now_ns,
                      (uint64_t)stream->body_received, held_back);
}

/* Whether this may be a conversation, where silence means nothing: the handler has begun to answer
 * a body of unknown length. */
static bool converses(const struct h2_stream *stream) {
  return stream->final_queued && (stream->connect || stream->content_length < 0);
}

static bool body_is_slow(const struct h2 *h2, struct h2_stream *stream) {
  uint64_t heard_ns = stream->body_seen_ns;
  if (converses(stream)) {
    uint64_t spoke_ns = stream->spoke_ns > heard_ns ? stream->spoke_ns : heard_ns;
    return h2->now_ns - spoke_ns > h2->shared->config.conversation_idle_ns;
  }
  if (stream->connect)
    return false; /* its handler has not answered: that is not the fault of the peer */
  if (!keeps_pace(h2, stream)) return true;
  if (stream->credit.granted <= 0 || h2->credit.granted <= 0)
    return false; /* our windows hold the peer back */
  return h2->now_ns - heard_ns > h2->shared->config.body_idle_ns;
}

static bool watch_body(struct h2 *h2, struct h2_stream *stream) {
  if (stream->end_received || !body_is_slow(h2, stream)) return false;
  counter_add(&h2->shared->counters.timeouts, 1);
  counter_add(&h2->shared->counters.timeouts_bodies, 1);
  h2_stream_abort(h2, stream, H2_CANCEL);
  return true;
}

/* Ends each stream whose request body arrives too slowly. */
static void watch_bodies(struct h2 *h2) {
  h2->tick_ns = h2->now_ns + PEER_TICK_NS;
  h2_stream_each(h2, watch_body);
}

/* ---- nothing happens ------------------------------------------------------------------------- */

bool h2_is_idle(const struct h2 *h2) {
  return !h2->all && !h2->dead && !h2->pause.on && h2->role == H2_SERVER;
}

/* No stream has been open for a while. The last GOAWAY comes at once, because nothing can be lost. */
static void idle_long_enough(struct h2 *h2) {
  counter_add(&h2->http->counters.idled, 1);
  h2_drain_finish(h2, "idle");
}

static bool may_rest(const struct h2 *h2) {
  return !h2->rested && h2_is_idle(h2) && !h2->stalled_since_ns;
}

/* What a request made and the next one can make again is freed. */
static void rest(struct h2 *h2) {
  h2->rested = true;
  h2_request_memo_free(&h2->requests, h2->http->memory);
  hpack_encoder_rest(&h2->encoder);
  hpack_table_trim(&h2->decoder.table);
  idmap_rest(&h2->streams);
}

static void drained_long_enough(struct h2 *h2) {
  h2_drain_finish(h2, NULL);
}

/* ---- timers of handlers ---------------------------------------------------------------------- */

/* The rest of an answered request is read as long as it comes. */
static void linger_on(struct h2 *h2, struct h2_stream *stream) {
  uint64_t due_ns = stream->body_seen_ns + PEER_LINGER_IDLE_NS;
  if (due_ns > stream->linger_until_ns) due_ns = stream->linger_until_ns;
  if (h2->pause.on) due_ns = h2->pause.until_ns; /* the rest may wait to be read */
  if (due_ns > h2->now_ns)
    h2_timer_set(stream, due_ns);
  else
    h2_stream_hush(h2, stream);
}

static void run_timers(struct h2 *h2) {
  struct h2_stream *stream;
  while ((stream = h2_timer_due(h2))) {
    const struct stream_events *events = stream->base.events;
    if (stream->lingers)
      linger_on(h2, stream);
    else if (events && events->timer)
      events->timer(&stream->base, h2->now_ns);
  }
}

/* ---- the table ------------------------------------------------------------------------------- */

/* For each clock of a connection that has not failed and is read: whether it runs, when it is due, and what it
 * does then. They are looked at in this order. This is a macro because every turn of every
 * connection asks for the next deadline, and calls through a table of functions would be slower. */
#define EACH_CLOCK(CLOCK)                                                                          \
  CLOCK(h2->timers.first, h2->timers.first->due_ns, run_timers)                                    \
  CLOCK(h2->draining && !h2->drain_final, h2->drain_ns, drained_long_enough)                       \
  CLOCK(!h2->settings_received, h2->opened_ns + h2->shared->config.preface_ns, preface_late)       \
  CLOCK(h2->settings_unacked, h2->settings_sent_ns + H2_SETTINGS_ACK_NS, settings_late)            \
  CLOCK(h2->block.kind != H2_BLOCK_NONE, h2->block.begun_ns + PEER_HEADER_BLOCK_NS, frame_late)    \
  CLOCK(frame_timed(h2), h2->reader.begun_ns + PEER_HEADER_BLOCK_NS, frame_late)                   \
  CLOCK(h2->control_used, h2->control_since_ns + PEER_CONTROL_STALL_NS, replies_late)              \
  CLOCK(h2->receiving && h2->role == H2_SERVER, h2->tick_ns, watch_bodies)                         \
  CLOCK(h2->stalled_since_ns, h2->stalled_since_ns + PEER_SEND_STALL_NS, h2_clock_watch_output)    \
  CLOCK(h2->stalled_since_ns, h2->held_look_ns, watch_held_streams)                                \
  CLOCK(h2_is_idle(h2) && !h2->drain_final, h2->idle_since_ns + h2->http->idle_ns,                 \
        idle_long_enough)                                                                          \
  CLOCK(may_rest(h2), h2->idle_since_ns + H2_REST_NS, rest)                                        \
  CLOCK(true, h2_flow_deadline_ns(h2), h2_flow_tick)

/* While reading is paused, only our own clocks run. */
static uint64_t paused_deadline_ns(const struct h2 *h2) {
  const struct alarm *first = h2->timers.first;
  return first && first->due_ns < h2->pause.until_ns ? first->due_ns : h2->pause.until_ns;
}

static void run_clocks(struct h2 *h2) {
#define ACT_IF_DUE(runs, due_ns, act)                                                              \
  if (!h2->dead && (runs) && h2->now_ns >= (due_ns)) act(h2);
  EACH_CLOCK(ACT_IF_DUE)
#undef ACT_IF_DUE
}

uint64_t h2_clock_deadline_ns(const struct h2 *h2) {
  uint64_t earliest_ns = MACHINE_NO_DEADLINE;
  if (h2->lost) return MACHINE_NO_DEADLINE;
  if (h2->dead) return h2->farewell_ns;
  if (h2->pause.on) return paused_deadline_ns(h2);
#define EARLIER(runs, due_ns, act)                                                                 \
  if ((runs) && (due_ns) < earliest_ns) earliest_ns = (due_ns);
  EACH_CLOCK(EARLIER)
#undef EARLIER
  return earliest_ns;
}

void h2_clock_run(struct h2 *h2) {
  if (h2->pause.on && h2->now_ns >= h2->pause.until_ns) h2_pause_end(h2);
  if (!h2->pause.on)
    run_clocks(h2);
  else if (!h2->dead)
    run_timers(h2);
  h2_clock_watch_output(h2);
  if (h2->dead && h2->now_ns >= h2->farewell_ns) h2->lost = true; /* its GOAWAY is not taken */
}
