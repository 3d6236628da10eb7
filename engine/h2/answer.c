/*
 * h2/answer.c - what handlers do with their streams: the functions behind struct stream_ops.
 *
 * A handler may call at any time, also from within its own events. So a stream that finishes is
 * only marked and moved to the graveyard (h2/life.h), and what a handler sends is queued: nothing
 * is sent from here.
 */
#include "engine/h2/answer.h"

#include "engine/h2/brief.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/flow.h"
#include "engine/h2/kept.h"
#include "engine/h2/life.h"
#include "engine/h2/message.h"
#include "engine/h2/origin.h"
#include "engine/h2/priority.h"
#include "engine/h2/queue.h"
#include "engine/h2/set_note.h"
#include "engine/h2/timers.h"
#include "engine/http/contract.h"

#include <assert.h>

static struct h2_stream *own(struct stream *base) {
  struct h2_stream *stream = (struct h2_stream *)(void *)base;
  h2_call_in(stream->h2);
  return stream;
}

/* closed() was called; it is too late to do anything with this stream. */
static bool is_over(const struct h2_stream *stream) {
  return stream->gone || stream->lingers;
}

/* Refuses what a handler may not do: returns false. */
static bool refuse(struct h2_stream *stream, const char *what) {
  h2_stream_mistake(stream, what);
  return false;
}

/* ---- responses ------------------------------------------------------------------------------- */

static bool server_may_answer(const struct h2_stream *stream) {
  return !stream->gone && stream->h2->role == H2_SERVER && !stream->final_queued;
}

static bool op_inform(struct stream *base, unsigned status, const struct header *fields,
                      size_t count) {
  struct h2_stream *stream = own(base);
  if (status < 100 || status > 199 || status == 101)
    return refuse(stream, "stream_inform() with a status that is not informational");
  if (!server_may_answer(stream)) return false;
  const char *mistake = contract_message(fields, count, BODY_NONE);
  if (mistake) return refuse(stream, mistake);
  const struct h2_section_plan plan = {
      .fields = fields, .count = count, .type = H2_HEADERS, .status = status};
  bool queued = h2_queue_section(stream, &plan);
  h2_wake(stream->h2);
  return queued;
}

static bool queue_response(struct h2_stream *stream, unsigned status, const struct header *fields,
                           size_t count, struct header_set *set) {
  bool bodiless = !stream->body.ops;
  const struct h2_section_plan plan = {.fields = fields,
                                       .count = count,
                                       .type = H2_HEADERS,
                                       .status = status,
                                       .end_stream = bodiless};
  if (set && h2_brief_add(stream, set)) return true;
  h2_queue_take_part(stream);
  bool queued = set ? h2_queue_set(stream, status, set, false) : h2_queue_section(stream, &plan);
  if (!queued || bodiless) return queued;
  if (set)
    h2_priority_response_set(stream, set);
  else
    h2_priority_response(stream, fields, count);
  return true;
}

/* The answer makes no tunnel. What was kept for it counts as consumed. */
static void refuse_tunnel(struct h2_stream *stream) {
  if (stream->kept) h2_flow_consumed(stream->h2, stream, stream->kept->len);
  h2_kept_free(stream->h2, stream);
  stream->asks = stream->connect = false;
}

/* Why a handler may not answer so; NULL: it may. */
static const char *mistake_of(const struct h2_stream *stream, unsigned status) {
  if (status < 200 || status > 599) return "stream_respond() with a status outside of 200 to 599";
  if (stream->final_queued && !is_over(stream))
    return "stream_respond() to a request that was answered";
  if (stream->asks && status < 300)
    return "stream_respond() with 2xx to a request for a tunnel, which stream_tunnel() accepts";
  return NULL;
}

/* `set` lends its fields until the body is closed. NULL: the fields are copied. */
static bool answer(struct h2_stream *stream, unsigned status, const struct header *fields,
                   size_t count, struct header_set *set, struct body body) {
  bool bodiless = !body.ops || stream->head_request || status == 204 || status == 304;
  if (bodiless) {
    contract_drop(body);
    body = BODY_NONE;
    if (!server_may_answer(stream)) return false; /* the body's close() has ended the stream */
  }
  if (stream->connect && status >= 300) refuse_tunnel(stream);
  stream->final_queued = true;
  stream->status = (uint16_t)status;
  stream->body = body; /* from here on it is closed with the stream */
  if (!queue_response(stream, status, fields, count, bodiless ? NULL : set)) {
    h2_stream_abort(stream->h2, stream, H2_INTERNAL_ERROR);
    return false;
  }
  counter_add(&stream->h2->http->counters.responses, 1);
  h2_wake(stream->h2);
  return true;
}

/* Whether the fields of the set, which may be NULL, have been sent before. */
static bool is_noted(const struct header_set *set) {
  return set && h2_set_note_get(set).number > 0;
}

static bool respond(struct h2_stream *stream, unsigned status, const struct header *fields,
                    size_t count, struct header_set *set, struct body body) {
  const char *mistake = mistake_of(stream, status);
  if (!mistake) mistake = contract_given(fields, count, body);
  if (!mistake && !is_noted(set)) mistake = contract_fields(fields, count, false);
  if (!mistake && server_may_answer(stream))
    return answer(stream, status, fields, count, set, body);
  contract_drop(body);
  return mistake ? refuse(stream, mistake) : false;
}

static bool op_respond(struct stream *stream, unsigned status, const struct header *fields,
                       size_t count, struct body body) {
  return respond(own(stream), status, fields, count, NULL, body);
}

static bool op_respond_set(struct stream *stream, unsigned status, struct header_set *set,
                           struct body body) {
  static struct header_set nothing = {.count = 1}; /* a mistake */
  if (!set) set = &nothing;
  return respond(own(stream), status, set->at, set->count, set, body);
}

/* ---- tunnels --------------------------------------------------------------------------------- */

/* The handler counts the bytes itself, or they are consumed once it has heard them. While the stream
 * `asks`, credit follows what is consumed; later its own policy may return it on arrival, so nothing
 * may be left to be returned then. */
static bool deliver(struct h2 *h2, struct h2_stream *stream) {
  struct kept *kept = stream->kept;
  if (!kept || !kept->released) return false;
  stream->kept = NULL;
  bool later = stream->base.consume_later && !h2_flow_on_arrival(h2, stream);
  if (!later) h2_flow_consumed(h2, stream, kept->len);
  stream->asks = false;
  const struct stream_events *events = stream->base.events;
  if (events && events->data && (kept->len || kept->end))
    events->data(&stream->base, span_of(kept->bytes, kept->len), kept->end);
  kept_free(h2->http->memory, kept);
  return true; /* the handler may have ended any stream */
}

void h2_answer_deliver(struct h2 *h2) {
  while (h2->kept_due) {
    h2->kept_due = false;
    h2_stream_each(h2, deliver);
  }
}

static void made_tunnel(struct h2_stream *stream) {
  if (stream->kept)
    stream->kept->released = stream->h2->kept_due = true;
  else
    stream->asks = false;
}

static bool op_tunnel(struct stream *base, const struct header *fields, size_t count,
                      struct body body) {
  struct h2_stream *stream = own(base);
  const char *mistake = stream->asks && server_may_answer(stream)
                            ? contract_message(fields, count, body)
                            : "stream_tunnel() to a request that asks for none";
  if (mistake) {
    contract_drop(body);
    return is_over(stream) ? false : refuse(stream, mistake);
  }
  if (!answer(stream, 200, fields, count, NULL, body)) return false;
  made_tunnel(stream);
  return true;
}

static bool op_trailers(struct stream *base, const struct header *fields, size_t count) {
  struct h2_stream *stream = own(base);
  if (is_over(stream)) return false;
  const char *mistake = contract_message(fields, count, BODY_NONE);
  if (stream->body_ended) mistake = "stream_trailers() after the end of the body";
  if (stream->trailers) mistake = "stream_trailers() for the second time";
  if (mistake) return refuse(stream, mistake);
  if (stream->brief) h2_brief_join(stream->h2);
  return h2_queue_trailers(stream, fields, count);
}

/* ---- promises -------------------------------------------------------------------------------- */

static bool may_push(const struct h2 *h2, const struct h2_stream *parent) {
  return h2->role == H2_SERVER && h2->shared->config.push && h2->theirs.enable_push &&
         h2->settings_received && !h2->dead && !h2->draining && !h2->goaway_received &&
         !parent->gone && h2_stream_may_send(parent) && !parent->connect &&
         h2->active_own < h2->theirs.max_concurrent_streams && h2->active_own < PEER_PUSHES_MAX &&
         h2->own_id_next <= H2_STREAM_ID_MAX - 1;
}

/* The promised request as the handler will see it. */
static void promised_request(const struct header *fields, size_t count, struct request *request,
                             struct headers *list) {
  *list = (struct headers){.at = (struct header *)(uintptr_t)fields, .count = (uint32_t)count};
  *request = (struct request){.fields = list, .content_length = -1, .end = true, .pushed = true};
  for (size_t i = 0; i < count; i++) {
    switch (header_token_by_name(&fields[i])) {
    case TOKEN_METHOD: request->method = fields[i].value; break;
    case TOKEN_SCHEME: request->scheme = fields[i].value; break;
    case TOKEN_AUTHORITY: request->authority = fields[i].value; break;
    case TOKEN_PATH: request->path = fields[i].value; break;
    case TOKEN_CONTENT_LENGTH: request->content_length = !span_is(fields[i].value, "0"); break;
    default: break;
    }
  }
}

/* What section 8.4 allows; a client would refuse the rest. A promised stream has no origin, so
 * nothing can be promised on it. */
static bool may_promise(const struct h2_stream *parent, const struct request *request) {
  return h2_message_pushable(request) && request->path.len > 0 && h2_origin_is(parent, request);
}

static struct stream *op_push(struct stream *base, const struct header *fields, size_t count) {
  struct h2_stream *parent = own(base);
  struct h2 *h2 = parent->h2;
  struct request request;
  struct headers list;
  const char *mistake = contract_given(fields, count, BODY_NONE);
  if (!mistake) mistake = contract_fields(fields, count, true);
  if (mistake && !is_over(parent)) h2_stream_mistake(parent, mistake);
  if (mistake) return NULL;
  promised_request(fields, count, &request, &list);
  if (!may_push(h2, parent) || !may_promise(parent, &request)) return NULL;
  if (!budget_spend(&h2->pushes, 1, h2->now_ns)) return NULL;
  if (parent->brief) h2_brief_join(h2);
  struct h2_stream *promised = h2_stream_open(h2, h2->own_id_next);
  if (!promised) return NULL;
  h2->own_id_next += 2;
  h2_queue_take_part(promised);
  promised->head_request = span_is(request.method, "HEAD");
  promised->promised_on = parent->id;
  promised->end_received = true; /* a promised request has no body */
  h2->receiving--;
  h2_stream_event(promised, H2_SEND_PUSH_PROMISE);
  const struct h2_section_plan plan = {
      .fields = fields, .count = count, .type = H2_PUSH_PROMISE, .promised_id = promised->id};
  if (!h2_queue_section(parent, &plan)) {
    h2_stream_abort(h2, promised, H2_INTERNAL_ERROR);
    return NULL;
  }
  counter_add(&h2->shared->counters.pushes, 1);
  const struct h2_priority_said said = h2_priority_said_of(h2, &request);
  h2_priority_request(promised, &said, NULL);
  promised->delivered = true;
  const struct handler *handler = h2->http->handler;
  handler->request(handler->ctx, &promised->base, &request, h2->now_ns);
  h2_wake(h2);
  return promised->gone ? NULL : &promised->base;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void op_resume(struct stream *base) {
  struct h2_stream *stream = own(base);
  struct h2 *h2 = stream->h2;
  if (is_over(stream)) return;
  stream->body_waiting = false;
  h2_queue_schedule(stream);
  /* There is no window, but the body may be at its end, which nothing else would find out. */
  bool ready = stream->takes_part && stream->node.ready;
  if (!ready || window_available(&h2->window) == 0) h2_queue_probe(stream);
  h2_wake(h2);
}

static void op_consume(struct stream *base, size_t bytes) {
  struct h2_stream *stream = own(base);
  if (is_over(stream)) return;
  if (bytes > stream->credit.held) {
    h2_stream_mistake(stream, "stream_consume() of more than data() gave");
    bytes = stream->credit.held;
  }
  h2_flow_consumed(stream->h2, stream, (uint32_t)bytes);
  h2_wake(stream->h2);
}

/* A cap above the window widens it, as far as the connection's window allows. Without a cap the
 * policy decides. */
static void op_cap(struct stream *base, uint64_t total_bytes) {
  struct h2_stream *stream = own(base);
  struct window_credit *credit = &stream->credit;
  if (stream->gone || stream->end_received) return;
  window_credit_cap(credit, total_bytes);
  uint64_t more = total_bytes > credit->arrived ? total_bytes - credit->arrived : 0;
  uint32_t most = stream->h2->credit.target;
  if (total_bytes == STREAM_UNCAPPED || more > most) more = most;
  if (more > credit->target) window_credit_retarget(credit, (uint32_t)more);
  h2_flow_consumed(stream->h2, stream, 0); /* there may be credit to return */
  h2_wake(stream->h2);
}

static void op_timer(struct stream *base, uint64_t deadline_ns) {
  struct h2_stream *stream = own(base);
  if (is_over(stream)) return;
  h2_timer_set(stream, deadline_ns);
  h2_wake(stream->h2);
}

static uint64_t op_now_ns(const struct stream *base) {
  const struct h2_stream *stream = (const struct h2_stream *)base;
  return http_shared_now_ns(stream->h2->http);
}

static void op_reset(struct stream *base, uint32_t error_code) {
  struct h2_stream *stream = own(base);
  struct h2 *h2 = stream->h2;
  if (is_over(stream)) return;
  h2_stream_abort(h2, stream, error_code ? error_code : H2_CANCEL);
  h2_wake(h2);
}

static void op_weigh(struct stream *base, unsigned weight) {
  struct h2_stream *stream = own(base);
  if (is_over(stream)) return;
  if (weight < 1 || weight > MACHINE_WEIGHT_MAX) {
    h2_stream_mistake(stream, "stream_weigh_connection() with a weight outside of 1 to 256");
    return;
  }
  if (stream->h2->host) stream->h2->host->weight = (uint16_t)weight;
}

static void op_head_start(struct stream *base, uint64_t first_bytes) {
  struct h2_stream *stream = own(base);
  if (!is_over(stream)) h2_priority_head_start(stream, first_bytes);
}

static void op_head_start_rules(struct stream *base, const struct head_start_rules *rules,
                                struct span path) {
  struct h2_stream *stream = own(base);
  if (!is_over(stream)) h2_priority_head_start_rules(stream, rules, path);
}

const struct stream_ops h2_stream_ops = {
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
    .head_start_rules = op_head_start_rules,
    .tunnel = op_tunnel,
    .now_ns = op_now_ns,
};
