/*
 * h1/clock.c - what each clock does when it is due, and the table of all clocks.
 */
#include "engine/h1/clock.h"

#include "engine/h1/body.h"
#include "engine/h1/client.h"
#include "engine/h1/fault.h"
#include "engine/h1/life.h"
#include "engine/h1/request.h"
#include "engine/h1/send.h"

static void count(struct h1 *h1, uint64_t *kind) {
  counter_add(&h1->shared->counters.timeouts, 1);
  counter_add(kind, 1);
}

/* ---- heads ----------------------------------------------------------------------------------- */

bool h1_is_idle(const struct h1 *h1) {
  return !h1->first && h1->begun_ns == 0 && !h1->closing;
}

static void head_late(struct h1 *h1) {
  count(h1, &h1->shared->counters.timeouts_heads);
  h1->begun_ns = 0;
  const struct h1_gathered *gathered = h1->gathered;
  struct span begin = gathered ? span_of(gathered->bytes, gathered->len) : (struct span){0};
  if (h1->role == H1_CLIENT)
    h1_fault_server(h1, "the head takes too long");
  else
    h1_request_refuse(h1, h1_refuse(408, "the request takes too long"), begin);
}

/* The client has not said a word. */
static void silent(struct h1 *h1) {
  count(h1, &h1->shared->counters.timeouts_heads);
  h1_close(h1, H1_NO_ERROR);
}

/* A request may be on its way, but nothing tells a client that it is too late. */
static void idle_long_enough(struct h1 *h1) {
  counter_add(&h1->http->counters.idled, 1);
  h1_client_end(h1, H1_END_DONE, NULL);
  h1_close(h1, H1_NO_ERROR);
}

/* The client was not about to ask. */
static void grace_is_over(struct h1 *h1) {
  h1->grace_ns = 0;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* Whether this may be a conversation, where silence means nothing: the handler has begun to answer a
 * body of unknown length. */
static bool converses(const struct h1_stream *stream) {
  return stream->final_queued && (stream->tunnel || stream->content_length < 0);
}

static bool body_is_slow(const struct h1 *h1, struct h1_stream *stream) {
  const struct h1_config *config = &h1->shared->config;
  const struct pace_rule rule = {.bytes_per_second_min = config->body_bytes_per_second_min,
                                 .grace_ns = PEER_BODY_GRACE_NS,
                                 .idle_ns = config->body_idle_ns};
  if (converses(stream)) {
    uint64_t spoke_ns = stream->spoke_ns > stream->heard_ns ? stream->spoke_ns : stream->heard_ns;
    return h1->now_ns - spoke_ns > config->conversation_idle_ns;
  }
  bool held_back = h1_body_room(stream) == 0;
  uint64_t received = (uint64_t)stream->body_received;
  if (!pace_is_kept(&stream->pace, &rule, stream->opened_ns, h1->now_ns, received, held_back))
    return true;
  return !held_back && h1->now_ns - stream->heard_ns > config->body_idle_ns;
}

static void watch_body(struct h1 *h1) {
  h1->tick_ns = h1->now_ns + PEER_TICK_NS;
  bool lingers = h1->reading->sent && !h1->reading->tunnel;
  if (lingers || !body_is_slow(h1, h1->reading)) return;
  count(h1, &h1->shared->counters.timeouts_bodies);
  h1_fault_abort(h1->reading, 408, H1_CANCEL);
}

/* ---- output ---------------------------------------------------------------------------------- */

static void begin_span(struct h1 *h1) {
  h1->stalled_since_ns = h1->now_ns;
  h1->stalled_bytes = 0;
  h1->stalled_ended = false;
}

/* Output is looked at over spans of send_stall_ns. A span in which the peer took little, though there
 * was more for it all the time, and not even the end of a response, is its last. */
void h1_clock_watch_output(struct h1 *h1) {
  if (!h1_send_wanted(h1)) {
    h1->stalled_since_ns = 0;
    return;
  }
  if (h1->stalled_since_ns == 0) begin_span(h1);
  uint64_t span_ns = h1->now_ns - h1->stalled_since_ns;
  if (span_ns < h1->shared->config.send_stall_ns) return;
  bool enough = h1->stalled_bytes >= span_ns / SECOND_NS * PEER_SEND_BYTES_PER_SECOND_MIN;
  if (enough || h1->stalled_ended) {
    begin_span(h1);
    return;
  }
  count(h1, &h1->shared->counters.timeouts_output);
  h1_client_end(h1, H1_END_BROKEN, "it takes too little of the request");
  h1_lose(h1, H1_CANCEL);
}

/* ---- timers of handlers ---------------------------------------------------------------------- */

static uint64_t first_timer_ns(const struct h1 *h1) {
  uint64_t earliest_ns = MACHINE_NO_DEADLINE;
  for (const struct h1_stream *stream = h1->first; stream; stream = stream->next)
    if (stream->timer_ns < earliest_ns) earliest_ns = stream->timer_ns;
  return earliest_ns;
}

static void run_timer(struct h1 *h1, struct h1_stream *stream) {
  const struct stream_events *events = stream->base.events;
  stream->timer_ns = MACHINE_NO_DEADLINE;
  if (stream->sent && !stream->tunnel && h1->role == H1_SERVER) {
    counter_add(&h1->shared->counters.hushed, 1);
    h1_close(h1, H1_NO_ERROR);
  } else if (events && events->timer) {
    events->timer(&stream->base, h1->now_ns);
  }
}

/* A handler that sets its timer anew, and due at once, is called again in the next tick. A stream that
 * leaves the queue meanwhile is not freed before the call ends. */
static void run_timers(struct h1 *h1) {
  struct h1_stream *stream = h1->first;
  while (stream && !stream->gone) {
    struct h1_stream *next = stream->next;
    if (stream->timer_ns <= h1->now_ns) run_timer(h1, stream);
    stream = next;
  }
}

/* ---- the table ------------------------------------------------------------------------------- */

/* For each clock of a connection that is not lost: whether it runs, when it is due, and what it does
 * then. A macro for the reason that h2/clock.c gives. */
#define EACH_CLOCK(CLOCK)                                                                          \
  CLOCK(h1->first, first_timer_ns(h1), run_timers)                                                 \
  CLOCK(h1->begun_ns && !h1->held, h1->begun_ns + PEER_HEADER_BLOCK_NS, head_late)                 \
  CLOCK(h1->reading && h1->role == H1_SERVER, h1->tick_ns, watch_body)                             \
  CLOCK(h1->stalled_since_ns, h1->stalled_since_ns + h1->shared->config.send_stall_ns,             \
        h1_clock_watch_output)                                                                     \
  CLOCK(h1_is_idle(h1) && h1->requests == 0 && h1->role == H1_SERVER,                              \
        h1->opened_ns + PEER_PREFACE_NS, silent)                                                   \
  CLOCK(h1->grace_ns, h1->grace_ns, grace_is_over)                                                 \
  CLOCK(h1_is_idle(h1), h1->idle_since_ns + h1->http->idle_ns, idle_long_enough)

/* Between requests: no clocks run but that of the output and the last one. */
static bool is_resting(const struct h1 *h1) {
  return h1_is_idle(h1) && h1->requests > 0 && !h1->lost && !h1->reading && h1->grace_ns == 0;
}

static uint64_t resting_deadline_ns(const struct h1 *h1) {
  const uint64_t idle_ns = h1->idle_since_ns + h1->http->idle_ns;
  if (h1->stalled_since_ns == 0) return idle_ns;
  const uint64_t stall_ns = h1->stalled_since_ns + h1->shared->config.send_stall_ns;
  return stall_ns < idle_ns ? stall_ns : idle_ns;
}

uint64_t h1_clock_deadline_ns(const struct h1 *h1) {
  uint64_t earliest_ns = MACHINE_NO_DEADLINE;
  if (is_resting(h1)) return resting_deadline_ns(h1);
  if (h1->lost) return MACHINE_NO_DEADLINE;
#define EARLIER(runs, due_ns, act)                                                                 \
  if ((runs) && (due_ns) < earliest_ns) earliest_ns = (due_ns);
  EACH_CLOCK(EARLIER)
#undef EARLIER
  return earliest_ns;
}

void h1_clock_run(struct h1 *h1) {
#define ACT_IF_DUE(runs, due_ns, act)                                                              \
  if (!h1->lost && (runs) && h1->now_ns >= (due_ns)) act(h1);
  EACH_CLOCK(ACT_IF_DUE)
#undef ACT_IF_DUE
  h1_clock_watch_output(h1);
}
