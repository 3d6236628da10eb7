/*
 * spdy/clock.c - what each clock does when it is due, and the table of all clocks.
 *
 * Raw sessions have no deadlines but those of a frame that has begun and of ping_ns: streams that are silent, or
 * whose peer reads slowly, are what they are for.
 */
#include "engine/spdy/clock.h"

#include "engine/spdy/alive.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/drain.h"
#include "engine/spdy/fault.h"
#include "engine/spdy/life.h"
#include "engine/spdy/ready.h"
#include "engine/spdy/windows.h"

/* ---- the peer is late ------------------------------------------------------------------------ */

static void time_out(struct spdy *spdy, uint64_t *kind, const char *reason) {
  if (spdy->dead) return;
  counter_add(&spdy->shared->counters.timeouts, 1);
  counter_add(kind, 1);
  spdy_fail(spdy, SPDY_GOAWAY_PROTOCOL_ERROR, reason);
}

static void frame_late(struct spdy *spdy) {
  time_out(spdy, &spdy->shared->counters.timeouts_frames, "a frame takes too long");
}

static void replies_late(struct spdy *spdy) {
  time_out(spdy, &spdy->shared->counters.timeouts_replies, "replies are not read");
}

/* DATA has other clocks, one for each body. */
static bool frame_timed(const struct spdy *spdy) {
  enum spdy_read_phase phase = spdy->reader.phase;
  bool data = phase == SPDY_READ_DATA || phase == SPDY_READ_SKIP;
  return spdy->reader.begun_ns && !data && !spdy->alive.deaf;
}

/* ---- output ---------------------------------------------------------------------------------- */

/* The stream has more body to send. If its handler has nothing to give right now, it does not wait for the
 * peer. */
static bool has_more(const struct spdy_stream *stream) {
  return spdy_is_pullable(stream);
}

/* Output waits for the transport, or for the session's window. */
static bool output_queued(const struct spdy *spdy) {
  return spdy->out.count || spdy->queue.first || spdy->sched.ready_count;
}

/* Output waits for its stream's own window. */
static bool output_held(const struct spdy *spdy) {
  for (const struct spdy_stream *stream = spdy->all; stream; stream = stream->next)
    if (has_more(stream)) return true;
  return false;
}

/* In the span that is measured the peer took a response to its end, or all that a handler had to say. */
static bool output_moved(const struct spdy *spdy) {
  if (spdy->stalled_ended) return true;
  for (const struct spdy_stream *stream = spdy->all; stream; stream = stream->next)
    if (!has_more(stream) && stream->spoke_ns > spdy->stalled_since_ns) return true;
  return false;
}

static bool give_up_body(struct spdy *spdy, struct spdy_stream *stream) {
  if (!has_more(stream)) return false;
  spdy_stream_finish(spdy, stream, SPDY_RESET_REMOTE, SPDY_CANCEL);
  return true;
}

/* After the peer has closed its direction no more credit will come. */
static void give_up_blocked(struct spdy *spdy) {
  bool sends = spdy->out.count || spdy->queue.first || spdy->probe_queue || spdy->sched.ready_count;
  if (spdy->eof && !spdy->dead && !sends) spdy_stream_each(spdy, give_up_body);
}

static void begin_span(struct spdy *spdy) {
  spdy->stalled_since_ns = spdy->now_ns;
  spdy->stalled_bytes = 0;
  spdy->stalled_ended = false;
}

/* The peer takes little although there is more for it. It may have paused one response while it takes others;
 * then nothing else waits, at least not all the time. */
static bool is_stalled(const struct spdy *spdy, uint64_t span_ns) {
  if (spdy->stalled_bytes >= span_ns / SECOND_NS * PEER_SEND_BYTES_PER_SECOND_MIN) return false;
  bool queued = spdy->queued_since_ns && spdy->now_ns - spdy->queued_since_ns >= PEER_SEND_STALL_NS;
  return queued || !output_moved(spdy);
}

static bool is_watched(const struct spdy *spdy) {
  return spdy->server && !spdy->session.raw;
}

void spdy_clock_watch_output(struct spdy *spdy) {
  give_up_blocked(spdy);
  bool queued = output_queued(spdy);
  if (!queued) spdy->queued_since_ns = 0;
  if (queued && !spdy->queued_since_ns) spdy->queued_since_ns = spdy->now_ns;
  if (!is_watched(spdy) || !(queued || output_held(spdy))) {
    spdy->stalled_since_ns = 0;
    return;
  }
  if (spdy->stalled_since_ns == 0) {
    begin_span(spdy);
    spdy->held_look_ns = spdy->now_ns + PEER_SEND_STALL_NS;
    return;
  }
  uint64_t span_ns = spdy->now_ns - spdy->stalled_since_ns;
  if (span_ns < PEER_SEND_STALL_NS || spdy->pause.on) return;
  if (is_stalled(spdy, span_ns)) {
    time_out(spdy, &spdy->shared->counters.timeouts_output, "the responses are not taken");
    return;
  }
  begin_span(spdy);
}

/* Looked at every PEER_SEND_STALL_NS. */
static bool held_too_long(const struct spdy *spdy, struct spdy_stream *stream) {
  uint64_t bytes = stream->body_sent - stream->held_bytes;
  bool slow = has_more(stream) && spdy_window_of(stream) == 0 &&
              bytes < PEER_SEND_STALL_NS / SECOND_NS * PEER_SEND_BYTES_PER_SECOND_MIN;
  stream->held_bytes = stream->body_sent;
  if (!slow || !stream->held_since_ns) stream->held_since_ns = spdy->now_ns;
  return spdy->now_ns - stream->held_since_ns >= PEER_HELD_NS;
}

static bool watch_held(struct spdy *spdy, struct spdy_stream *stream) {
  const struct pool *streams = &spdy->shared->streams;
  if (!held_too_long(spdy, stream) || streams->taken < streams->max / PEER_SCARCE_PART)
    return false;
  counter_add(&spdy->shared->counters.timeouts, 1);
  counter_add(&spdy->shared->counters.timeouts_output, 1);
  spdy_stream_abort(spdy, stream, SPDY_CANCEL);
  return true;
}

/* Responses that their own windows hold back are given up, each for itself. */
static void watch_held_streams(struct spdy *spdy) {
  spdy->held_look_ns = spdy->now_ns + PEER_SEND_STALL_NS;
  spdy_stream_each(spdy, watch_held);
}

/* ---- request bodies -------------------------------------------------------------------------- */

static bool is_held_back(const struct spdy *spdy, const struct spdy_stream *stream) {
  bool session = spdy->session.minor == SPDY_3_1 && spdy->credit.granted <= 0;
  return session || stream->credit.granted <= 0;
}

static bool keeps_pace(const struct spdy *spdy, struct spdy_stream *stream) {
  const struct spdy_config *config = &spdy->shared->config;
  const struct pace_rule rule = {.bytes_per_second_min = config->body_bytes_per_second_min,
                                 .grace_ns = PEER_BODY_GRACE_NS,
                                 .idle_ns = config->body_idle_ns};
  return pace_is_kept(&stream->pace, &rule, stream->opened_ns, spdy->now_ns,
                      (uint64_t)stream->body_received, is_held_back(spdy, stream));
}

/* Whether this may be a conversation, where silence means nothing: the handler has begun to answer a body of
 * unknown length. */
static bool converses(const struct spdy_stream *stream) {
  return stream->final_queued && stream->content_length < 0;
}

static bool body_is_slow(const struct spdy *spdy, struct spdy_stream *stream) {
  uint64_t heard_ns = stream->body_seen_ns;
  if (converses(stream)) {
    uint64_t spoke_ns = stream->spoke_ns > heard_ns ? stream->spoke_ns : heard_ns;
    return spdy->now_ns - spoke_ns > spdy->shared->config.conversation_idle_ns;
  }
  if (!keeps_pace(spdy, stream)) return true;
  if (is_held_back(spdy, stream)) return false;
  return spdy->now_ns - heard_ns > spdy->shared->config.body_idle_ns;
}

static bool watch_body(struct spdy *spdy, struct spdy_stream *stream) {
  if (spdy_stream_end_received(stream) || !body_is_slow(spdy, stream)) return false;
  counter_add(&spdy->shared->counters.timeouts, 1);
  counter_add(&spdy->shared->counters.timeouts_bodies, 1);
  spdy_stream_abort(spdy, stream, SPDY_CANCEL);
  return true;
}

/* Ends each stream whose request body arrives too slowly. */
static void watch_bodies(struct spdy *spdy) {
  spdy->tick_ns = spdy->now_ns + PEER_TICK_NS;
  spdy_stream_each(spdy, watch_body);
}

/* ---- nothing happens ------------------------------------------------------------------------- */

bool spdy_is_idle(const struct spdy *spdy) {
  return !spdy->all && !spdy->dead && !spdy->pause.on && spdy->server;
}

/* A tool keeps its session for as long as it lives. */
static bool idles(const struct spdy *spdy) {
  return spdy_is_idle(spdy) && !spdy->session.raw && !spdy->goaway_sent;
}

static void idle_long_enough(struct spdy *spdy) {
  counter_add(&spdy->http->counters.idled, 1);
  spdy_drain(spdy);
}

/* ---- timers of handlers ---------------------------------------------------------------------- */

/* The rest of an answered request is read as long as it comes. */
static void linger_on(struct spdy *spdy, struct spdy_stream *stream) {
  uint64_t due_ns = stream->body_seen_ns + PEER_LINGER_IDLE_NS;
  if (due_ns > stream->linger_until_ns) due_ns = stream->linger_until_ns;
  if (spdy->pause.on) due_ns = spdy->pause.until_ns; /* the rest may wait to be read */
  if (due_ns > spdy->now_ns)
    alarm_set(&spdy->timers, &stream->timer, due_ns);
  else
    spdy_stream_hush(spdy, stream);
}

static void run_timers(struct spdy *spdy) {
  while (spdy->timers.first && spdy->timers.first->due_ns <= spdy->now_ns) {
    struct alarm *alarm = spdy->timers.first;
    struct spdy_stream *stream =
        (struct spdy_stream *)(void *)((char *)alarm - offsetof(struct spdy_stream, timer));
    alarm_set(&spdy->timers, alarm, MACHINE_NO_DEADLINE);
    const struct stream_events *events = stream->base.events;
    if (stream->lingers)
      linger_on(spdy, stream);
    else if (events && events->timer)
      events->timer(&stream->base, spdy->now_ns);
  }
}

/* ---- the end of a pause ---------------------------------------------------------------------- */

static bool move_stream(struct spdy *spdy, struct spdy_stream *stream) {
  pause_move(&spdy->pause, spdy->now_ns, &stream->body_seen_ns);
  pause_move(&spdy->pause, spdy->now_ns, &stream->pace.counted_ns);
  pause_move(&spdy->pause, spdy->now_ns, &stream->held_since_ns);
  stream->linger_until_ns += spdy->now_ns - spdy->pause.since_ns; /* its timer looks at it */
  return false;
}

/* What was due because the peer was silent was not its fault. */
static void end_pause(struct spdy *spdy) {
  uint64_t *const begun[] = {&spdy->reader.begun_ns, &spdy->queue.since_ns, &spdy->idle_since_ns,
                             &spdy->stalled_since_ns, &spdy->queued_since_ns};
  for (size_t i = 0; i < sizeof begun / sizeof *begun; i++)
    pause_move(&spdy->pause, spdy->now_ns, begun[i]);
  spdy_stream_each(spdy, move_stream);
  pause_end(&spdy->pause, spdy->now_ns);
}

/* ---- the table ------------------------------------------------------------------------------- */

static bool watches_bodies(const struct spdy *spdy) {
  return spdy->receiving && is_watched(spdy);
}

/* Whether the peer takes our replies; a raw session finds out by its PINGs. */
static bool awaits_replies(const struct spdy *spdy) {
  return spdy->queue.first && is_watched(spdy);
}

static void look_for_life(struct spdy *spdy) {
  spdy_alive_run(spdy, output_queued(spdy));
}

/* For each clock of a session that has not failed and is read: whether it runs, when it is due, and what it does
 * then. They are looked at in this order. This is a macro because every turn of every session asks for the next
 * deadline, and calls through a table of functions would be slower. */
#define EACH_CLOCK(CLOCK)                                                                          \
  CLOCK(spdy->timers.first, spdy->timers.first->due_ns, run_timers)                                \
  CLOCK(frame_timed(spdy), spdy->reader.begun_ns + PEER_HEADER_BLOCK_NS, frame_late)               \
  CLOCK(awaits_replies(spdy), spdy->queue.since_ns + PEER_CONTROL_STALL_NS, replies_late)          \
  CLOCK(watches_bodies(spdy), spdy->tick_ns, watch_bodies)                                         \
  CLOCK(spdy->stalled_since_ns, spdy->stalled_since_ns + PEER_SEND_STALL_NS,                       \
        spdy_clock_watch_output)                                                                   \
  CLOCK(spdy->stalled_since_ns, spdy->held_look_ns, watch_held_streams)                            \
  CLOCK(idles(spdy), spdy->idle_since_ns + spdy->http->idle_ns, idle_long_enough)                  \
  CLOCK(true, spdy_alive_deadline_ns(spdy), look_for_life)

/* While reading is paused, only our own clocks run. */
static uint64_t paused_deadline_ns(const struct spdy *spdy) {
  const struct alarm *first = spdy->timers.first;
  return first && first->due_ns < spdy->pause.until_ns ? first->due_ns : spdy->pause.until_ns;
}

static void run_clocks(struct spdy *spdy) {
#define ACT_IF_DUE(runs, due_ns, act)                                                              \
  if (!spdy->dead && (runs) && spdy->now_ns >= (due_ns)) act(spdy);
  EACH_CLOCK(ACT_IF_DUE)
#undef ACT_IF_DUE
}

uint64_t spdy_clock_deadline_ns(const struct spdy *spdy) {
  uint64_t earliest_ns = MACHINE_NO_DEADLINE;
  if (spdy->lost) return MACHINE_NO_DEADLINE;
  if (spdy->dead) return spdy->farewell_ns;
  if (spdy->pause.on) return paused_deadline_ns(spdy);
#define EARLIER(runs, due_ns, act)                                                                 \
  if ((runs) && (due_ns) < earliest_ns) earliest_ns = (due_ns);
  EACH_CLOCK(EARLIER)
#undef EARLIER
  return earliest_ns;
}

void spdy_clock_run(struct spdy *spdy) {
  if (spdy->pause.on && spdy->now_ns >= spdy->pause.until_ns) end_pause(spdy);
  if (!spdy->pause.on)
    run_clocks(spdy);
  else if (!spdy->dead)
    run_timers(spdy);
  spdy_clock_watch_output(spdy);
  if (spdy->dead && spdy->now_ns >= spdy->farewell_ns)
    spdy->lost = true; /* its GOAWAY is not taken */
}
