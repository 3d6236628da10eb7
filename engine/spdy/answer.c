/*
 * spdy/answer.c - what handlers do with their streams: the functions behind struct stream_ops.
 *
 * A handler may call at any time, also from within its own events. So a stream that finishes is only marked
 * and moved to the graveyard (spdy/life.h), and what a handler sends is queued: nothing is sent from here.
 */
#include "engine/spdy/answer.h"

#include "engine/http/contract.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/flow.h"
#include "engine/spdy/life.h"
#include "engine/spdy/push.h"
#include "engine/spdy/queue.h"
#include "engine/spdy/ready.h"
#include "engine/spdy/response.h"

/* ---- responses ------------------------------------------------------------------------------- */

static struct spdy_stream *own(struct stream *base) {
  struct spdy_stream *stream = spdy_stream_of(base);
  spdy_call_in(stream->spdy);
  return stream;
}

/* closed() was called; it is too late to do anything with this stream. */
static bool is_over(const struct spdy_stream *stream) {
  return stream->gone || stream->lingers;
}

/* Refuses what a handler may not do: returns false. */
static bool refuse(struct spdy_stream *stream, const char *what) {
  spdy_stream_mistake(stream, what);
  return false;
}

static bool may_answer(const struct spdy_stream *stream) {
  return !stream->gone && stream->spdy->server && !stream->final_queued;
}

/* The protocol has no informational responses. */
static bool op_inform(struct stream *base, unsigned status, const struct header *fields,
                      size_t count) {
  struct spdy_stream *stream = own(base);
  (void)fields;
  (void)count;
  if (status < 100 || status > 199 || status == 101)
    return refuse(stream, "stream_inform() with a status that is not informational");
  return false;
}

/* Why a handler may not answer so; NULL: it may. */
static const char *mistake_of(const struct spdy_stream *stream, unsigned status) {
  if (status < 200 || status > 599) return "stream_respond() with a status outside of 200 to 599";
  if (stream->final_queued && !is_over(stream))
    return "stream_respond() to a request that was answered";
  if (stream->asks && status < 300)
    return "stream_respond() with 2xx to a request for a tunnel, which stream_tunnel() accepts";
  return NULL;
}

static void begin_body(struct spdy_stream *stream) {
  spdy_ready_update(stream);
  spdy_ready_probe_if_blocked(stream);
}

/* The header section is in the queue, the body follows. */
static bool answered(struct spdy_stream *stream, bool queued) {
  struct spdy *spdy = stream->spdy;
  if (!queued) {
    spdy_stream_abort(spdy, stream, SPDY_INTERNAL_ERROR);
    return false;
  }
  stream->replied = true;
  if (stream->malformed && spdy_stream_end_received(stream))
    spdy_stream_abort(spdy, stream, SPDY_PROTOCOL_ERROR);
  else if (!stream->body.ops)
    spdy_stream_fin(spdy, stream);
  else
    begin_body(stream);
  return true;
}

static bool answer(struct spdy_stream *stream, unsigned status, const struct header *fields,
                   size_t count, struct body body) {
  bool bodiless = !body.ops || stream->head_request || status == 204 || status == 304;
  if (bodiless) {
    contract_drop(body);
    body = BODY_NONE;
    if (!may_answer(stream)) return false; /* the body's close() has ended the stream */
  }
  stream->final_queued = true;
  stream->status = (uint16_t)status;
  stream->body = body; /* from here on it is closed with the stream */
  counter_add(&stream->spdy->http->counters.responses, 1);
  bool done = answered(stream, spdy_response_queue(stream, status, fields, count, bodiless));
  spdy_wake(stream->spdy);
  return done;
}

/* A raw stream has no status to refuse it with. */
static bool refuse_raw(struct spdy_stream *stream, struct body body) {
  contract_drop(body);
  if (!stream->gone) spdy_stream_abort(stream->spdy, stream, SPDY_REFUSED_STREAM);
  spdy_wake(stream->spdy);
  return true;
}

static bool op_respond(struct stream *base, unsigned status, const struct header *fields,
                       size_t count, struct body body) {
  struct spdy_stream *stream = own(base);
  const char *mistake = mistake_of(stream, status);
  if (!mistake) mistake = contract_message(fields, count, body);
  if (!mistake && may_answer(stream))
    return stream->asks ? refuse_raw(stream, body) : answer(stream, status, fields, count, body);
  contract_drop(body);
  return mistake ? refuse(stream, mistake) : false;
}

static bool op_respond_set(struct stream *stream, unsigned status, struct header_set *set,
                           struct body body) {
  static struct header_set nothing = {.count = 1}; /* a mistake */
  if (!set) set = &nothing;
  return op_respond(stream, status, set->at, set->count, body);
}

static bool op_trailers(struct stream *base, const struct header *fields, size_t count) {
  struct spdy_stream *stream = own(base);
  if (is_over(stream)) return false;
  const char *mistake = contract_message(fields, count, BODY_NONE);
  if (stream->body_ended) mistake = "stream_trailers() after the end of the body";
  if (stream->trailers) mistake = "stream_trailers() for the second time";
  if (mistake) return refuse(stream, mistake);
  stream->trailers = field_copy_make(stream->spdy->http->memory, fields, count);
  return stream->trailers != NULL;
}

/* ---- tunnels --------------------------------------------------------------------------------- */

/* The handler counts the bytes itself, or they are consumed once it has heard them. */
static bool deliver(struct spdy *spdy, struct spdy_stream *stream) {
  struct kept *kept = stream->kept;
  if (!kept || !kept->released) return false;
  stream->kept = NULL;
  stream->asks = false;
  if (!stream->base.consume_later) spdy_flow_consumed(stream, kept->len);
  const struct stream_events *events = stream->base.events;
  if (events && events->data && (kept->len || kept->end))
    events->data(&stream->base, span_of(kept->bytes, kept->len), kept->end);
  kept_free(spdy->http->memory, kept);
  return true; /* the handler may have ended any stream */
}

void spdy_answer_deliver(struct spdy *spdy) {
  while (spdy->kept_due) {
    spdy->kept_due = false;
    spdy_stream_each(spdy, deliver);
  }
}

static void made_tunnel(struct spdy_stream *stream) {
  if (stream->kept)
    stream->kept->released = stream->spdy->kept_due = true;
  else
    stream->asks = false;
}

static bool op_tunnel(struct stream *base, const struct header *fields, size_t count,
                      struct body body) {
  struct spdy_stream *stream = own(base);
  const char *mistake = stream->asks && may_answer(stream)
                            ? contract_message(fields, count, body)
                            : "stream_tunnel() to a request that asks for none";
  if (mistake) {
    contract_drop(body);
    return is_over(stream) ? false : refuse(stream, mistake);
  }
  stream->final_queued = true;
  stream->body = body; /* from here on it is closed with the stream */
  counter_add(&stream->spdy->shared->counters.tunnels, 1);
  const struct spdy_plan plan = {.type = SPDY_SYN_REPLY,
                                 .flags = body.ops ? 0 : SPDY_FLAG_FIN,
                                 .fields = fields,
                                 .count = count};
  made_tunnel(stream);
  bool done = answered(stream, spdy_queue_block(stream, &plan));
  spdy_wake(stream->spdy);
  return done;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static struct stream *op_push(struct stream *base, const struct header *fields, size_t count) {
  struct spdy_stream *stream = own(base);
  const char *mistake = contract_given(fields, count, BODY_NONE);
  if (!mistake) mistake = contract_fields(fields, count, true);
  if (mistake && !is_over(stream)) spdy_stream_mistake(stream, mistake);
  if (mistake) return NULL;
  return spdy_push(stream, fields, count);
}

static void op_resume(struct stream *base) {
  struct spdy_stream *stream = own(base);
  if (is_over(stream)) return;
  stream->body_waiting = false;
  begin_body(stream);
  spdy_wake(stream->spdy);
}

static void op_consume(struct stream *base, size_t bytes) {
  struct spdy_stream *stream = own(base);
  if (is_over(stream)) return;
  if (bytes > stream->credit.held) {
    spdy_stream_mistake(stream, "stream_consume() of more than data() gave");
    bytes = stream->credit.held;
  }
  spdy_flow_consumed(stream, (uint32_t)bytes);
  spdy_wake(stream->spdy);
}

/* A cap above the window widens it, as far as the session's window allows. */
static void op_cap(struct stream *base, uint64_t total_bytes) {
  struct spdy_stream *stream = own(base);
  struct window_credit *credit = &stream->credit;
  if (stream->gone || spdy_stream_end_received(stream)) return;
  window_credit_cap(credit, total_bytes);
  uint64_t more = total_bytes > credit->arrived ? total_bytes - credit->arrived : 0;
  uint32_t most = stream->spdy->credit.target;
  if (total_bytes == STREAM_UNCAPPED || more > most) more = most;
  if (total_bytes != STREAM_UNCAPPED && more > credit->target)
    window_credit_retarget(credit, (uint32_t)more);
  spdy_flow_consumed(stream, 0); /* there may be credit to return */
  spdy_wake(stream->spdy);
}

static void op_timer(struct stream *base, uint64_t deadline_ns) {
  struct spdy_stream *stream = own(base);
  if (is_over(stream)) return;
  alarm_set(&stream->spdy->timers, &stream->timer, deadline_ns);
  spdy_wake(stream->spdy);
}

static uint64_t op_now_ns(const struct stream *base) {
  const struct spdy_stream *stream = (const struct spdy_stream *)(const void *)base;
  return http_shared_now_ns(stream->spdy->http);
}

static void op_reset(struct stream *base, uint32_t error_code) {
  struct spdy_stream *stream = own(base);
  if (is_over(stream)) return;
  struct spdy *spdy = stream->spdy;
  uint32_t id = stream->id, status = error_code ? error_code : SPDY_CANCEL;
  spdy_stream_abort(spdy, stream, status);
  if (!spdy->server && status == SPDY_CANCEL && spdy->active_peer > 0)
    spdy_push_cancel(spdy, id, SPDY_RESET_LOCAL);
  spdy_wake(spdy);
}

static void op_weigh(struct stream *base, unsigned weight) {
  struct spdy_stream *stream = own(base);
  if (is_over(stream)) return;
  if (weight < 1 || weight > MACHINE_WEIGHT_MAX) {
    spdy_stream_mistake(stream, "stream_weigh_connection() with a weight outside of 1 to 256");
    return;
  }
  if (stream->spdy->host) stream->spdy->host->weight = (uint16_t)weight;
}

/* Priorities of SPDY say nothing about parts of a response. */
static void op_head_start(struct stream *base, uint64_t first_bytes) {
  (void)base;
  (void)first_bytes;
}

const struct stream_ops spdy_stream_ops = {
    .inform = op_inform,
    .respond = op_respond,
    .respond_set = op_respond_set,
    .trailers = op_trailers,
    .push = op_push,
    .resume = op_resume,
    .consume = op_consume,
    .cap = op_cap,
    .timer = op_timer,
    .reset = op_reset,
    .weigh = op_weigh,
    .head_start = op_head_start,
    .tunnel = op_tunnel,
    .now_ns = op_now_ns,
};
