/*
 * spdy/life.c - see spdy/life.h.
 */
#include "engine/spdy/life.h"

#include "engine/http/contract.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/flow.h"
#include "engine/spdy/ids.h"
#include "engine/spdy/named.h"
#include "engine/spdy/queue.h"
#include "engine/spdy/ready.h"

#include <assert.h>

/* ---- birth ----------------------------------------------------------------------------------- */

static void link_in(struct spdy *spdy, struct spdy_stream *stream) {
  stream->next = spdy->all;
  if (spdy->all) spdy->all->prev = stream;
  spdy->all = stream;
}

/* Streams of one priority share. */
static void schedule(struct spdy *spdy, struct spdy_stream *stream, uint8_t priority) {
  struct sched_priority signal = SCHED_PRIORITY_DEFAULT;
  signal.urgency = priority;
  signal.incremental = true;
  signal.given = SCHED_GIVEN_EXTENSIBLE;
  sched_open(&spdy->sched, &stream->node, stream->id, signal);
}

static uint32_t saved(uint32_t free, uint32_t more, uint32_t max) {
  return free < max ? free + more : free;
}

struct spdy_stream *spdy_stream_open(struct spdy *spdy, uint32_t id, uint8_t priority) {
  struct spdy_shared *shared = spdy->shared;
  struct spdy_stream *stream = pool_take(&shared->streams);
  if (!stream) return NULL;
  if (!idmap_insert(&spdy->streams, id, stream)) {
    pool_give(&shared->streams, stream);
    return NULL;
  }
  bool own = spdy_is_own_id(spdy, id);
  *stream = (struct spdy_stream){
      .base = {.ops = spdy->stream_ops,
               .peer = &spdy->peer,
               .id = id,
               .sends_vaulted = spdy->peer.vault},
      .spdy = spdy,
      .id = id,
      .state = own ? SPDY_WAITING : SPDY_OPEN,
      .own = own,
      .replied = own,
      .window = {(int32_t)spdy->their_window_bytes},
      .content_length = -1,
      .opened_ns = spdy->now_ns,
      .body_seen_ns = spdy->now_ns,
      .timer = ALARM_NONE,
  };
  window_credit_init(&stream->credit, shared->config.stream_window_bytes);
  if (!spdy->all) counter_add(&shared->http->counters.connections_busied, 1);
  link_in(spdy, stream);
  schedule(spdy, stream, priority);
  (*(own ? &spdy->active_own : &spdy->active_peer))++;
  spdy->receiving++;
  merit_opened(&spdy->merit);
  spdy->late_free = saved(spdy->late_free, SPDY_LATE_FREE_STREAM, SPDY_LATE_FREE_MAX);
  counter_add(&shared->http->counters.streams_opened, 1);
  return stream;
}

/* ---- death ----------------------------------------------------------------------------------- */

static void link_out(struct spdy *spdy, struct spdy_stream *stream) {
  if (stream->prev)
    stream->prev->next = stream->next;
  else
    spdy->all = stream->next;
  if (stream->next) stream->next->prev = stream->prev;
}

bool spdy_stream_is_heard(const struct spdy_stream *stream) {
  bool answered = stream->spdy->server && stream->final_queued;
  return !answered || stream->base.duplex || stream->tunnel;
}

void spdy_stream_mistake(struct spdy_stream *stream, const char *what) {
  const struct handler *handler = stream->spdy->handler;
  if (handler && handler->mistake) handler->mistake(handler->ctx, &stream->base, what);
}

static void body_close(struct spdy_stream *stream) {
  struct body body = stream->body;
  stream->body = BODY_NONE;
  contract_drop(body);
}

/* The rest of its frame is dropped. */
static void reader_forget(struct spdy *spdy, const struct spdy_stream *stream) {
  if (spdy->reader.data == stream) spdy->reader.data = NULL;
}

/* Takes the stream out of every queue, and returns its window. */
static void detach(struct spdy *spdy, struct spdy_stream *stream) {
  reader_forget(spdy, stream);
  idmap_remove(&spdy->streams, stream->id);
  link_out(spdy, stream);
  sched_close(&spdy->sched, &stream->node);
  spdy->room_waits -= stream->room_bytes > 0;
  spdy_ready_forget(stream);
  spdy_named_free(stream);
  origin_give(spdy->origins, stream->origin);
  field_copy_free(spdy->http->memory, stream->trailers);
  kept_free(spdy->http->memory, stream->kept);
  stream->trailers = NULL;
  stream->kept = NULL;
  alarm_set(&spdy->timers, &stream->timer, MACHINE_NO_DEADLINE);
  spdy_flow_forget(stream);
  if (!spdy_stream_end_received(stream)) spdy->receiving--;
  (*(stream->own ? &spdy->active_own : &spdy->active_peer))--;
}

void spdy_stream_finish(struct spdy *spdy, struct spdy_stream *stream, enum spdy_state state,
                        uint32_t error_code) {
  assert(!stream->gone && state >= SPDY_CLOSED);
  stream->gone = true;
  detach(spdy, stream);
  stream->state = (uint8_t)state;
  spdy_remember_closed(spdy, stream->id, state);
  spdy_flow_settle(spdy);
  stream->next = spdy->graves;
  spdy->graves = stream;
  if (!stream->lingers) stream->error_code = error_code;
  if (state == SPDY_CLOSED) {
    budget_refund(&spdy->resets);
    merit_answered(&spdy->merit);
  }
  if (!spdy->all) {
    spdy->idle_since_ns = spdy->now_ns;
    counter_add(&spdy->http->counters.connections_quieted, 1);
  }
  counter_add(&spdy->http->counters.streams_closed, 1);
  const struct stream_events *events = stream->base.events;
  if (events && events->closed) events->closed(&stream->base, error_code);
}

void spdy_stream_abort(struct spdy *spdy, struct spdy_stream *stream, uint32_t status) {
  if (stream->state == SPDY_CLOSED) { /* a handler calls while it hears of the end */
    spdy_stream_finish(spdy, stream, SPDY_CLOSED, 0);
    return;
  }
  if (!spdy->dead) spdy_rst_stream(spdy, stream->id, status);
  spdy_stream_finish(spdy, stream, SPDY_RESET_LOCAL, status);
}

void spdy_stream_finish_all(struct spdy *spdy, uint32_t error_code) {
  while (spdy->all)
    spdy_stream_finish(spdy, spdy->all, SPDY_RESET_LOCAL, error_code);
}

void spdy_stream_each(struct spdy *spdy,
                      bool (*visit)(struct spdy *spdy, struct spdy_stream *stream)) {
  struct spdy_stream *stream = spdy->all;
  while (stream)
    stream = visit(spdy, stream) ? spdy->all : stream->next;
}

void spdy_stream_settle(struct spdy *spdy, struct spdy_stream *stream) {
  if (!stream->gone && stream->state == SPDY_CLOSED)
    spdy_stream_finish(spdy, stream, SPDY_CLOSED, 0);
}

/* ---- the end of our direction ---------------------------------------------------------------- */

void spdy_stream_hush(struct spdy *spdy, struct spdy_stream *stream) {
  counter_add(&spdy->shared->counters.hushed, 1);
  spdy_stream_abort(spdy, stream, stream->malformed ? SPDY_PROTOCOL_ERROR : SPDY_CANCEL);
}

/* The response is complete but the request is not, and the rest is not wanted. Tells the handler that the
 * stream is closed, and goes on reading for a while (PEER_LINGER_*). */
static void linger(struct spdy *spdy, struct spdy_stream *stream) {
  const struct stream_events *events = stream->base.events;
  window_credit_cap(&stream->credit, WINDOW_UNCAPPED); /* PEER_LINGER_BYTES is the bound now */
  spdy_flow_consumed(stream, stream->credit.held);
  stream->lingers = true;
  stream->linger_bytes = stream->body_received + PEER_LINGER_BYTES;
  stream->base.events = NULL;
  stream->base.consume_later = false;
  stream->linger_until_ns = spdy->now_ns + PEER_LINGER_NS;
  alarm_set(&spdy->timers, &stream->timer, spdy->now_ns + PEER_LINGER_IDLE_NS);
  if (events && events->closed) events->closed(&stream->base, 0);
  stream->base.user = NULL; /* the handler may have freed it */
  if (stream->lent == 0) body_close(stream);
}

void spdy_stream_fin(struct spdy *spdy, struct spdy_stream *stream) {
  stream->body_ended = stream->fin_sent = true;
  spdy->stalled_ended = true;
  sched_idle(&spdy->sched, &stream->node);
  if (stream->state == SPDY_ENDED) {
    stream->state = SPDY_CLOSED;
    spdy_stream_finish(spdy, stream, SPDY_CLOSED, 0);
  } else if (spdy->server && !stream->tunnel && !stream->own) {
    linger(spdy, stream);
  }
}

/* ---- the graveyard --------------------------------------------------------------------------- */

/* Only now has the last byte left, except those that a body counts itself: body_chunk.loans. */
static void tell_ended(struct spdy *spdy, struct spdy_stream *stream) {
  const struct handler *handler = spdy->handler;
  if (!stream->delivered || !handler->ended) return;
  const struct stream_facts facts = {
      .protocol = spdy->session.minor == SPDY_3 ? "SPDY/3" : "SPDY/3.1",
      .begun_ns = stream->opened_ns,
      .ended_ns = spdy->now_ns,
      .header_bytes_received = stream->header_received,
      .header_bytes_sent = stream->header_sent,
      .body_bytes_received = (uint64_t)stream->body_received,
      .body_bytes_sent = stream->body_sent,
      .error_code = stream->error_code,
      .status = stream->status,
      .prioritized = true,
      .urgency = stream->node.urgency,
      .incremental = stream->node.incremental,
  };
  handler->ended(handler->ctx, &stream->base, &facts);
}

void spdy_bury(struct spdy *spdy) {
  struct spdy_stream **at = &spdy->graves;
  while (*at) {
    struct spdy_stream *stream = *at;
    if (stream->lent) {
      at = &stream->next;
      continue;
    }
    *at = stream->next;
    body_close(stream);
    tell_ended(spdy, stream);
#ifdef WEIR_CANARY_SPDY_LEAKED_STREAM /* a bug on demand, which the simulation must find */
    if (stream->id % 128 == 77) continue;
#endif
    pool_give(&spdy->shared->streams, stream);
  }
}
