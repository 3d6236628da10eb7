/*
 * h2/exchange.c - streams: opened, spoken for by their handlers, finished.
 *
 * Handlers may call in at any time, also from within their own events; so a stream that finishes is
 * only marked and moved to the graveyard, and freed when the machine call that is going on returns
 * (h2_bury()). What a handler asks for is queued, never sent from here.
 */
#include "engine/h2/h2.h"

#include "engine/h2/message.h"

#include <assert.h>
#include <string.h>

/* ---- who is who ------------------------------------------------------------------------------ */

bool h2_is_own_id(const struct h2 *h2, uint32_t id) {
  return (id % 2 == 1) == (h2->role == H2_CLIENT);
}

/* The lowest identifier of that side that was never used. */
static uint32_t next_id(const struct h2 *h2, uint32_t id) {
  return h2_is_own_id(h2, id) ? h2->own_id_next : h2->peer_id_max + 1;
}

struct h2_stream *h2_find(const struct h2 *h2, uint32_t id) {
  return id < next_id(h2, id) ? idmap_find(&h2->streams, id) : NULL;
}

void h2_remember_closed(struct h2 *h2, uint32_t id, enum h2_state state) {
  if (state == H2_CLOSED_RESET_LOCAL) {
    uint32_t forgotten = h2->reset_ids[h2->reset_next];
    if (forgotten && h2_is_own_id(h2, forgotten) && forgotten > h2->own_reset_max)
      h2->own_reset_max = forgotten;
    h2->reset_ids[h2->reset_next] = id;
    h2->reset_next = (h2->reset_next + 1) % H2_RESETS_REMEMBERED;
    return;
  }
  h2->closed_ids[h2->closed_next] = id;
  h2->closed_states[h2->closed_next] = (uint8_t)state;
  h2->closed_next = (h2->closed_next + 1) % H2_CLOSED_REMEMBERED;
}

/* The state of any identifier. One that is not remembered was closed long ago or, if never used, by
 * a higher one (section 5.1.1). A client may have reset many at once, and their responses are still
 * on their way: it cannot tell these from others that are as old, and takes all for reset. */
enum h2_state h2_state_of(const struct h2 *h2, uint32_t id) {
  if (id >= next_id(h2, id)) return H2_IDLE;
  const struct h2_stream *stream = h2_find(h2, id);
  if (stream) return (enum h2_state)stream->state;
  for (uint32_t i = 0; i < H2_RESETS_REMEMBERED; i++)
    if (h2->reset_ids[i] == id) return H2_CLOSED_RESET_LOCAL;
  for (uint32_t i = 0; i < H2_CLOSED_REMEMBERED; i++)
    if (h2->closed_ids[i] == id) return (enum h2_state)h2->closed_states[i];
  return h2_is_own_id(h2, id) && id <= h2->own_reset_max ? H2_CLOSED_RESET_LOCAL
                                                         : H2_CLOSED_FORGOTTEN;
}

/* ---- birth ----------------------------------------------------------------------------------- */

static void link_in(struct h2 *h2, struct h2_stream *stream) {
  stream->next = h2->all;
  if (h2->all) h2->all->prev = stream;
  h2->all = stream;
}

struct h2_stream *h2_stream_open(struct h2 *h2, uint32_t id) {
  struct engine *engine = h2->engine;
  struct h2_stream *stream = pool_take(&engine->streams);
  if (!stream) return NULL;
  if (!idmap_insert(&h2->streams, id, stream)) {
    pool_give(&engine->streams, stream);
    return NULL;
  }
  *stream = (struct h2_stream){
      .base = {.ops = &h2_stream_ops, .id = id},
      .h2 = h2,
      .id = id,
      .window = {(int32_t)h2->theirs.initial_window_size},
      .content_length = -1,
      .opened_ns = h2->now_ns,
      .body_seen_ns = h2->now_ns,
      .timer_ns = MACHINE_NO_DEADLINE,
  };
  stream->announced = !h2_is_own_id(h2, id);
  h2_credit_init(&stream->credit, h2_flow_first_bytes(h2));
  link_in(h2, stream);
  sched_open(&h2->sched, &stream->node, id, SCHED_PRIORITY_DEFAULT);
  (*(h2_is_own_id(h2, id) ? &h2->active_own : &h2->active_peer))++;
  h2->receiving++;
  h2->updates_free += h2->updates_free < H2_UPDATES_FREE_MAX ? H2_UPDATES_FREE_STREAM : 0;
  h2->priorities_free +=
      h2->priorities_free < H2_PRIORITIES_FREE_MAX ? H2_PRIORITIES_FREE_STREAM : 0;
  counter_add(&engine->counters.streams_opened, 1);
  return stream;
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void timer_unlink(struct h2_stream *stream) {
  if (stream->timer_ns == MACHINE_NO_DEADLINE) return;
  if (stream->timer_prev)
    stream->timer_prev->timer_next = stream->timer_next;
  else
    stream->h2->timers = stream->timer_next;
  if (stream->timer_next) stream->timer_next->timer_prev = stream->timer_prev;
  stream->timer_next = stream->timer_prev = NULL;
  stream->timer_ns = MACHINE_NO_DEADLINE;
}

/* The list is short (streams of one connection that wait for time) and new deadlines mostly belong
 * at its end, which a backwards search would find sooner; a forward one is simple. */
static void timer_link(struct h2_stream *stream, uint64_t deadline_ns) {
  struct h2_stream **at = &stream->h2->timers, *before = NULL;
  while (*at && (*at)->timer_ns <= deadline_ns) {
    before = *at;
    at = &before->timer_next;
  }
  stream->timer_ns = deadline_ns;
  stream->timer_prev = before;
  stream->timer_next = *at;
  if (*at) (*at)->timer_prev = stream;
  *at = stream;
}

void h2_timers_run(struct h2 *h2) {
  while (h2->timers && h2->timers->timer_ns <= h2->now_ns) {
    struct h2_stream *stream = h2->timers;
    timer_unlink(stream);
    const struct stream_events *events = stream->base.events;
    if (stream->lingers)
      h2_stream_hush(h2, stream);
    else if (events && events->timer)
      events->timer(&stream->base, h2->now_ns);
  }
}

/* ---- death ----------------------------------------------------------------------------------- */

static void link_out(struct h2 *h2, struct h2_stream *stream) {
  if (stream->prev)
    stream->prev->next = stream->next;
  else
    h2->all = stream->next;
  if (stream->next) stream->next->prev = stream->prev;
}

static void credit_unlink(struct h2 *h2, struct h2_stream *stream) {
  if (!stream->in_credit_queue) return;
  struct h2_stream **at = &h2->credit_queue;
  while (*at != stream)
    at = &(*at)->credit_next;
  *at = stream->credit_next;
  stream->in_credit_queue = false;
}

static void body_close(struct h2_stream *stream) {
  struct body body = stream->body;
  stream->body = BODY_NONE;
  if (body.ops && body.ops->close) body.ops->close(body.self);
}

static void drop_body(struct body body) {
  if (body.ops && body.ops->close) body.ops->close(body.self);
}

/* Takes the stream out of every queue and gives its windows back. */
static void detach(struct h2 *h2, struct h2_stream *stream) {
  h2_recv_forget(h2, stream);
  idmap_remove(&h2->streams, stream->id);
  link_out(h2, stream);
  sched_close(&h2->sched, &stream->node);
  h2_urgent_remove(h2, stream);
  h2_sections_free(stream);
  credit_unlink(h2, stream);
  timer_unlink(stream);
  h2_flow_forget(h2, stream);
  h2_origin_give(h2->origins, stream->origin);
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
  if (stream->state == H2_CLOSED) h2_budget_refund(&h2->resets);
  if (!h2->all) h2->idle_since_ns = h2->now_ns;
  counter_add(&h2->engine->counters.streams_closed, 1);
  const struct stream_events *events = stream->base.events;
  if (events && events->closed) events->closed(&stream->base, error_code);
}

/* A stream of ours that the peer has not heard of vanishes without a word. */
void h2_stream_abort(struct h2 *h2, struct h2_stream *stream, uint32_t error_code) {
  if (stream->state == H2_CLOSED) { /* a handler speaks up while it hears of the very end */
    h2_stream_finish(h2, stream, H2_NO_ERROR);
    return;
  }
  if (stream->state == H2_IDLE) h2_stream_event(stream, H2_SEND_HEADERS);
  h2_stream_event(stream, H2_SEND_RST_STREAM);
  if (stream->announced) h2_rst_stream(h2, stream->id, error_code);
  h2_stream_finish(h2, stream, error_code);
}

void h2_stream_hush(struct h2 *h2, struct h2_stream *stream) {
  counter_add(&h2->engine->counters.hushed, 1);
  h2_stream_abort(h2, stream, H2_NO_ERROR);
}

void h2_stream_linger(struct h2 *h2, struct h2_stream *stream) {
  const struct stream_events *events = stream->base.events;
  uint32_t coming = h2->reader.data == stream ? h2->reader.left : 0; /* charged, not yet here */
  h2_flow_consumed(h2, stream, stream->credit.held - coming);
  stream->lingers = true;
  stream->linger_bytes = stream->body_received + H2_LINGER_BYTES;
  stream->base.events = NULL;
  stream->base.consume_later = false;
  timer_unlink(stream);
  timer_link(stream, h2->now_ns + H2_LINGER_NS);
  if (events && events->closed) events->closed(&stream->base, H2_NO_ERROR);
  stream->base.user = NULL; /* the handler may have freed it */
  if (stream->lent == 0) body_close(stream);
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
#ifdef WEIR_CANARY_LEAKED_STREAM /* a bug on demand, which the simulation must find */
    if (stream->id % 128 == 77) continue;
#endif
    pool_give(&h2->engine->streams, stream);
  }
}

/* ---- the peer's message ---------------------------------------------------------------------- */

bool h2_stream_end_received(struct h2 *h2, struct h2_stream *stream) {
  if (stream->content_length >= 0 && stream->body_received != stream->content_length) {
    if (h2_charge_reset(h2)) h2_stream_abort(h2, stream, H2_PROTOCOL_ERROR); /* section 8.1.1 */
    return false;
  }
  stream->end_received = true;
  h2->receiving--;
  h2_stream_event(stream, H2_RECV_END_STREAM);
  return true;
}

/* ---- what handlers ask for ------------------------------------------------------------------- */

static struct h2_stream *own(struct stream *stream) {
  return (struct h2_stream *)(void *)stream;
}

void h2_stream_schedule(struct h2_stream *stream) {
  struct h2 *h2 = stream->h2;
  bool pullable = stream->headers_sent && stream->body.ops && !stream->body_waiting &&
                  !stream->body_ended && h2_stream_may_send(stream);
  if (pullable && h2_window_available(&stream->window) > 0)
    sched_ready(&h2->sched, &stream->node);
  else
    sched_idle(&h2->sched, &stream->node);
}

/* closed() was called: whatever the handler still asks for is too late. */
static bool is_over(const struct h2_stream *stream) {
  return stream->gone || stream->lingers;
}

static bool server_may_answer(const struct h2_stream *stream) {
  return !stream->gone && stream->h2->role == H2_SERVER && !stream->final_queued;
}

static bool op_inform(struct stream *base, unsigned status, const struct header *fields,
                      size_t count) {
  struct h2_stream *stream = own(base);
  assert(status >= 100 && status < 200 && status != 101);
  if (!server_may_answer(stream)) return false;
  bool ok = h2_section_queue(stream, H2_HEADERS, 0, status, fields, count, false);
  h2_wake(stream->h2);
  return ok;
}

static bool queue_response(struct h2_stream *stream, unsigned status, const struct header *fields,
                           size_t count, struct header_set *set) {
  bool bodiless = !stream->body.ops;
  bool queued = set ? h2_section_queue_set(stream, status, set)
                    : h2_section_queue(stream, H2_HEADERS, 0, status, fields, count, bodiless);
  if (!queued || bodiless) return queued;
  if (set)
    h2_priority_response_set(stream, set);
  else
    h2_priority_response(stream, fields, count);
  return true;
}

/* `set` lends the fields for as long as there is a body; NULL: they are copied. */
static bool respond(struct h2_stream *stream, unsigned status, const struct header *fields,
                    size_t count, struct header_set *set, struct body body) {
  assert(status >= 200 && status <= 599);
  if (!server_may_answer(stream)) {
    drop_body(body);
    return false;
  }
  bool bodiless = !body.ops || stream->head_request || status == 204 || status == 304;
  if (bodiless) {
    drop_body(body);
    body = BODY_NONE;
    if (!server_may_answer(stream)) return false; /* the body's close() has ended the stream */
  }
  if (stream->connect && status >= 300) stream->connect = false; /* no tunnel came about */
  stream->final_queued = true;
  stream->body = body; /* closed with the stream from here on */
  if (!queue_response(stream, status, fields, count, bodiless ? NULL : set)) {
    h2_stream_abort(stream->h2, stream, H2_INTERNAL_ERROR);
    return false;
  }
  counter_add(&stream->h2->engine->counters.responses, 1);
  h2_wake(stream->h2);
  return true;
}

static bool op_respond(struct stream *stream, unsigned status, const struct header *fields,
                       size_t count, struct body body) {
  return respond(own(stream), status, fields, count, NULL, body);
}

static bool op_respond_set(struct stream *stream, unsigned status, struct header_set *set,
                           struct body body) {
  return respond(own(stream), status, set->at, set->count, set, body);
}

static bool op_trailers(struct stream *base, const struct header *fields, size_t count) {
  struct h2_stream *stream = own(base);
  bool too_late = is_over(stream) || stream->body_ended || stream->trailers;
  return !too_late && h2_section_trailers(stream, fields, count);
}

static bool may_push(const struct h2 *h2, const struct h2_stream *parent) {
  return h2->role == H2_SERVER && h2->engine->config.push && h2->theirs.enable_push &&
         h2->settings_received && !h2->dead && !h2->draining && !h2->goaway_received &&
         !parent->gone && h2_stream_may_send(parent) && !parent->connect &&
         h2->active_own < h2->theirs.max_concurrent_streams && h2->active_own < H2_PUSHES_MAX &&
         h2->own_id_next <= H2_STREAM_ID_MAX - 1;
}

/* The promised request as the handler will see it. */
static void promised_request(const struct header *fields, size_t count, struct request *request,
                             struct headers *list) {
  *list = (struct headers){.at = (struct header *)(uintptr_t)fields, .count = (uint32_t)count};
  *request = (struct request){.fields = list, .content_length = -1, .end = true};
  for (size_t i = 0; i < count; i++) {
    switch (fields[i].token) {
    case TOKEN_METHOD: request->method = fields[i].value; break;
    case TOKEN_SCHEME: request->scheme = fields[i].value; break;
    case TOKEN_AUTHORITY: request->authority = fields[i].value; break;
    case TOKEN_PATH: request->path = fields[i].value; break;
    case TOKEN_CONTENT_LENGTH: request->content_length = !span_is(fields[i].value, "0"); break;
    default: break;
    }
  }
}

/* Section 8.4: what the client could not but refuse. A promised stream has no origin, and so
 * nothing can be promised on it. */
static bool may_promise(const struct h2_stream *parent, const struct request *request) {
  return h2_message_pushable(request) && request->path.len > 0 &&
         h2_origin_is(parent->h2->origins, parent->origin, request->scheme, request->authority);
}

static struct stream *op_push(struct stream *base, const struct header *fields, size_t count) {
  struct h2_stream *parent = own(base);
  struct h2 *h2 = parent->h2;
  struct request request;
  struct headers list;
  promised_request(fields, count, &request, &list);
  if (!may_push(h2, parent) || !may_promise(parent, &request)) return NULL;
  if (!h2_budget_spend(&h2->pushes, 1, h2->now_ns)) return NULL;
  struct h2_stream *promised = h2_stream_open(h2, h2->own_id_next);
  if (!promised) return NULL;
  h2->own_id_next += 2;
  promised->head_request = span_is(request.method, "HEAD");
  promised->promised_on = parent->id;
  promised->end_received = true; /* a promised request has no body */
  h2->receiving--;
  h2_stream_event(promised, H2_SEND_PUSH_PROMISE);
  if (!h2_section_queue(parent, H2_PUSH_PROMISE, promised->id, 0, fields, count, false)) {
    h2_stream_abort(h2, promised, H2_INTERNAL_ERROR);
    return NULL;
  }
  counter_add(&h2->engine->counters.pushes, 1);
  h2_priority_request(promised, &request, NULL);
  promised->delivered = true;
  const struct handler *handler = h2->engine->handler;
  handler->request(handler->ctx, &promised->base, &request, h2->now_ns);
  h2_wake(h2);
  return promised->gone ? NULL : &promised->base;
}

static void op_resume(struct stream *base) {
  struct h2_stream *stream = own(base);
  struct h2 *h2 = stream->h2;
  if (is_over(stream)) return;
  stream->body_waiting = false;
  h2_stream_schedule(stream);
  /* No window, but it may be at its end: nobody else would find that out. */
  if (!stream->node.ready || h2_window_available(&h2->window) == 0) h2_probe_end(stream);
  h2_wake(h2);
}

static void op_consume(struct stream *base, size_t bytes) {
  struct h2_stream *stream = own(base);
  if (is_over(stream)) return;
  h2_flow_consumed(stream->h2, stream, (uint32_t)bytes);
  h2_wake(stream->h2);
}

/* A cap above the window widens it, up to what the connection may hold; lifting the cap leaves the
 * window to the policy. */
static void op_cap(struct stream *base, uint64_t total_bytes) {
  struct h2_stream *stream = own(base);
  struct h2_credit *credit = &stream->credit;
  if (stream->gone || stream->end_received) return;
  h2_credit_cap(credit, total_bytes);
  uint64_t more = total_bytes > credit->arrived ? total_bytes - credit->arrived : 0;
  uint32_t most = stream->h2->credit.target;
  if (total_bytes == STREAM_UNCAPPED || more > most) more = most;
  if (more > credit->target) h2_credit_retarget(credit, (uint32_t)more);
  h2_flow_consumed(stream->h2, stream, 0); /* there may be credit to return */
  h2_wake(stream->h2);
}

static void op_timer(struct stream *base, uint64_t deadline_ns) {
  struct h2_stream *stream = own(base);
  if (is_over(stream)) return;
  timer_unlink(stream);
  if (deadline_ns != MACHINE_NO_DEADLINE) timer_link(stream, deadline_ns);
  h2_wake(stream->h2);
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
  if (is_over(stream) || !stream->h2->host) return;
  stream->h2->host->weight = (uint16_t)weight;
}

static void op_head_start(struct stream *base, uint64_t first_bytes) {
  struct h2_stream *stream = own(base);
  if (!is_over(stream)) h2_priority_head_start(stream, first_bytes);
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
};

/* ---- client role ----------------------------------------------------------------------------- */

uint32_t h2_request_room(const struct h2 *h2) {
  uint32_t limit = h2->theirs.max_concurrent_streams;
  bool closing = h2->dead || h2->lost || h2->eof || h2->draining || h2->goaway_received;
  if (closing || h2->own_id_next > H2_STREAM_ID_MAX || h2->active_own >= limit) return 0;
  uint32_t ids = (H2_STREAM_ID_MAX - h2->own_id_next) / 2 + 1;
  return limit - h2->active_own < ids ? limit - h2->active_own : ids;
}

/* What the server's SETTINGS rule out: a header section beyond its limit, which it would only
 * refuse (RFC 9113 section 6.5.2), and extended CONNECT that it has not offered (RFC 8441 section
 * 4). */
static bool request_allowed(const struct h2 *h2, const struct header *fields, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    bytes += fields[i].name.len + fields[i].value.len + HEADER_OVERHEAD_BYTES;
    if (fields[i].token == TOKEN_PROTOCOL && !h2->theirs.enable_connect_protocol) return false;
  }
  return bytes <= h2->theirs.max_header_list_size;
}

static void note_request(struct h2_stream *stream, const struct header *fields, size_t count) {
  struct h2 *h2 = stream->h2;
  struct span scheme = {0}, authority = {0}, host = {0};
  for (size_t i = 0; i < count; i++) {
    struct span value = fields[i].value;
    switch (fields[i].token) {
    case TOKEN_METHOD:
      stream->head_request = span_is(value, "HEAD");
      stream->connect = span_is(value, "CONNECT");
      break;
    case TOKEN_SCHEME: scheme = value; break;
    case TOKEN_AUTHORITY: authority = value; break;
    case TOKEN_HOST: host = value; break;
    default: break;
    }
  }
  if (h2->ours.enable_push)
    stream->origin =
        h2_origin_take(&h2->origins, h2->engine->memory, scheme, authority.len ? authority : host);
}

struct stream *h2_request(struct h2 *h2, const struct header *fields, size_t count,
                          struct body body, const struct stream_events *events, void *user) {
  assert(h2->role == H2_CLIENT);
  bool allowed = h2_request_room(h2) > 0 && request_allowed(h2, fields, count);
  struct h2_stream *stream = allowed ? h2_stream_open(h2, h2->own_id_next) : NULL;
  if (!stream) {
    drop_body(body);
    return NULL;
  }
  h2->own_id_next += 2;
  stream->body = body;
  stream->final_queued = true;
  note_request(stream, fields, count);
  if (!h2_section_queue(stream, H2_HEADERS, 0, 0, fields, count, !body.ops)) {
    h2_stream_abort(h2, stream, H2_INTERNAL_ERROR);
    return NULL;
  }
  stream->base.events = events;
  stream->base.user = user;
  h2_wake(h2);
  return &stream->base;
}
