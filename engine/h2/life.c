/*
 * h2/life.c - see h2/life.h.
 */
#include "engine/h2/life.h"

#include "engine/h2/brief.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/flow.h"
#include "engine/h2/ids.h"
#include "engine/h2/kept.h"
#include "engine/h2/origin.h"
#include "engine/h2/queue.h"
#include "engine/h2/reader.h"
#include "engine/h2/section.h"
#include "engine/h2/timers.h"

#include <assert.h>
#include <string.h>

/* ---- birth ----------------------------------------------------------------------------------- */

static void link_in(struct h2 *h2, struct h2_stream *stream) {
  stream->next = h2->all;
  if (h2->all) h2->all->prev = stream;
  h2->all = stream;
}

struct h2_stream *h2_stream_open(struct h2 *h2, uint32_t id) {
  struct h2_shared *shared = h2->shared;
  struct h2_stream *stream = pool_take(&shared->streams);
  if (!stream) return NULL;
  if (!idmap_insert(&h2->streams, id, stream)) {
    pool_give(&shared->streams, stream);
    return NULL;
  }
  memset(stream, 0, offsetof(struct h2_stream, lent_section));
  stream->base.ops = h2->stream_ops;
  stream->base.peer = &h2->peer;
  stream->base.id = stream->id = id;
  stream->h2 = h2;
  stream->window.bytes = (int32_t)h2->theirs.initial_window_size;
  stream->content_length = -1;
  stream->opened_ns = stream->body_seen_ns = h2->now_ns;
  stream->timer = ALARM_NONE;
  bool own = h2_is_own_id(h2, id);
  stream->announced = !own;
  window_credit_init(&stream->credit, h2_flow_first_bytes(h2));
  if (!h2->all) counter_add(&shared->http->counters.connections_busied, 1);
  link_in(h2, stream);
  (*(own ? &h2->active_own : &h2->active_peer))++;
  h2->receiving++;
  merit_opened(&h2->merit);
  h2->priorities_free +=
      h2->priorities_free < H2_PRIORITIES_FREE_MAX ? H2_PRIORITIES_FREE_STREAM : 0;
  counter_add(&shared->http->counters.streams_opened, 1);
  return stream;
}

/* ---- death ----------------------------------------------------------------------------------- */

static void link_out(struct h2 *h2, struct h2_stream *stream) {
  if (stream->prev)
    stream->prev->next = stream->next;
  else
    h2->all = stream->next;
  if (stream->next) stream->next->prev = stream->prev;
  if (h2->all) return;
  h2->idle_since_ns = h2->now_ns;
  h2->rested = false;
  counter_add(&h2->http->counters.connections_quieted, 1);
}

static void credit_unlink(struct h2 *h2, struct h2_stream *stream) {
  if (!stream->in_credit_queue) return;
  struct h2_stream **at = &h2->credit_queue;
  while (*at != stream)
    at = &(*at)->credit_next;
  *at = stream->credit_next;
  stream->in_credit_queue = false;
}

bool h2_stream_is_heard(const struct h2_stream *stream) {
  bool answered = stream->h2->role == H2_SERVER && stream->final_queued;
  return !answered || stream->base.duplex || stream->connect;
}

void h2_stream_mistake(struct h2_stream *stream, const char *what) {
  const struct handler *handler = stream->h2->http->handler;
  if (handler && handler->mistake) handler->mistake(handler->ctx, &stream->base, what);
}

static void body_close(struct h2_stream *stream) {
  struct body body = stream->body;
  stream->body = BODY_NONE;
  if (body.ops && body.ops->close) body.ops->close(body.self);
}

/* The stream of a promise that was not sent ends with it. */
static void promise_withdraw(struct h2 *h2, const struct h2_section *section) {
  struct h2_stream *promised =
      section->type == H2_PUSH_PROMISE ? h2_find(h2, section->promised_id) : NULL;
  if (promised) h2_stream_abort(h2, promised, H2_CANCEL);
}

static void sections_free(struct h2_stream *stream) {
  struct h2 *h2 = stream->h2;
  while (stream->sections) {
    struct h2_section *section = stream->sections;
    stream->sections = section->next;
    promise_withdraw(h2, section);
    h2_section_free(h2, section);
  }
  h2_section_free(h2, stream->trailers);
  stream->trailers = NULL;
}

/* Takes the stream out of every queue, and returns its window. */
static void detach(struct h2 *h2, struct h2_stream *stream) {
  h2_reader_forget(h2, stream);
  if (h2->recent == stream) h2->recent = NULL;
  if (h2->expected == stream) h2->expected = NULL;
  idmap_remove(&h2->streams, stream->id);
  link_out(h2, stream);
  if (stream->takes_part) sched_close(&h2->sched, &stream->node);
  h2->room_waits -= stream->room_bytes > 0;
  h2_queue_remove(h2, stream);
  h2_brief_remove(h2, stream);
  sections_free(stream);
  h2_kept_free(h2, stream);
  credit_unlink(h2, stream);
  h2_timer_set(stream, MACHINE_NO_DEADLINE);
  h2_flow_forget(h2, stream);
  h2_origin_drop(stream);
  if (!stream->end_received) h2->receiving--;
  (*(h2_is_own_id(h2, stream->id) ? &h2->active_own : &h2->active_peer))--;
}

void h2_stream_finish(struct h2 *h2, struct h2_stream *stream, uint32_t error_code) {
  assert(!stream->gone);
  stream->gone = true;
  detach(h2, stream);
  h2_remember_closed(h2, stream->id, (enum h2_state)stream->state);
  stream->next = h2->graves;
  h2->graves = stream;
  if (!stream->lingers) stream->error_code = error_code;
  if (stream->state == H2_CLOSED) {
    budget_refund(&h2->resets);
    merit_answered(&h2->merit);
  }
  counter_add(&h2->http->counters.streams_closed, 1);
  const struct stream_events *events = stream->base.events;
  if (events && events->closed) events->closed(&stream->base, error_code);
}

/* A stream of ours of which the peer has not heard ends in silence. */
void h2_stream_abort(struct h2 *h2, struct h2_stream *stream, uint32_t error_code) {
  if (stream->state == H2_CLOSED) { /* a handler calls while it hears of the end */
    h2_stream_finish(h2, stream, H2_NO_ERROR);
    return;
  }
  h2_stream_cut(stream, H2_SEND_RST_STREAM);
  if (stream->announced) h2_rst_stream(h2, stream->id, error_code);
  h2_stream_finish(h2, stream, error_code);
}

void h2_stream_finish_all(struct h2 *h2, uint32_t code) {
  while (h2->all) {
    struct h2_stream *stream = h2->all;
    h2_stream_cut(stream, H2_SEND_RST_STREAM); /* in our books only; GOAWAY says it for all */
    h2_stream_finish(h2, stream, code);
  }
}

void h2_stream_each(struct h2 *h2, bool (*visit)(struct h2 *h2, struct h2_stream *stream)) {
  struct h2_stream *stream = h2->all;
  while (stream)
    stream = visit(h2, stream) ? h2->all : stream->next;
}

void h2_stream_drain(struct h2_stream *stream) {
  const struct stream_events *events = stream->base.events;
  bool due = !stream->gone && !stream->drained;
  stream->drained = true;
  if (due && events && events->drain) events->drain(&stream->base);
}

void h2_stream_hush(struct h2 *h2, struct h2_stream *stream) {
  counter_add(&h2->shared->counters.hushed, 1);
  h2_stream_abort(h2, stream, stream->malformed ? H2_PROTOCOL_ERROR : H2_NO_ERROR);
}

void h2_stream_linger(struct h2 *h2, struct h2_stream *stream) {
  const struct stream_events *events = stream->base.events;
  uint32_t coming = h2->reader.data == stream ? h2->reader.left : 0; /* charged, but not here yet */
  window_credit_cap(&stream->credit, WINDOW_UNCAPPED); /* PEER_LINGER_BYTES is the bound now */
  h2_flow_consumed(h2, stream, stream->credit.held - coming);
  stream->lingers = true;
  stream->linger_bytes = stream->body_received + PEER_LINGER_BYTES;
  stream->base.events = NULL;
  stream->base.consume_later = false;
  stream->linger_until_ns = h2->now_ns + PEER_LINGER_NS;
  h2_timer_set(stream, h2->now_ns + PEER_LINGER_IDLE_NS);
  if (events && events->closed) events->closed(&stream->base, H2_NO_ERROR);
  stream->base.user = NULL; /* the handler may have freed it */
  if (stream->lent == 0) body_close(stream);
}

static void note_priority(struct stream_facts *facts, const struct sched_node *node) {
  facts->prioritized = node->signal == SCHED_SIGNAL_EXTENSIBLE;
  facts->urgency = node->urgency;
  facts->incremental = node->incremental;
}

/* Only now has the last byte left, except those that a body counts itself: body_chunk.loans. */
static void tell_ended(struct h2 *h2, struct h2_stream *stream) {
  const struct handler *handler = h2->http->handler;
  if (!stream->delivered || !handler->ended) return;
  struct stream_facts facts = {
      .protocol = "HTTP/2",
      .begun_ns = stream->opened_ns,
      .ended_ns = h2->now_ns,
      .header_bytes_received = stream->header_received,
      .header_bytes_sent = stream->header_sent,
      .body_bytes_received = (uint64_t)stream->body_received,
      .body_bytes_sent = stream->body_sent,
      .error_code = stream->error_code,
      .status = stream->status,
  };
  if (stream->takes_part) note_priority(&facts, &stream->node);
  handler->ended(handler->ctx, &stream->base, &facts);
}

void h2_bury(struct h2 *h2) {
  struct h2_stream **at = &h2->graves;
  while (*at) {
    struct h2_stream *stream = *at;
    if (stream->lent) {
      at = &stream->next;
      continue;
    }
    *at = stream->next;
    body_close(stream);
    tell_ended(h2, stream);
#ifdef WEIR_CANARY_LEAKED_STREAM /* a bug on demand, which the simulation must find */
    if (stream->id % 128 == 77) continue;
#endif
    pool_give(&h2->shared->streams, stream);
  }
}
