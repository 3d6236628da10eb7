/*
 * spdy/push.c - see spdy/push.h.
 */
#include "engine/spdy/push.h"

#include "engine/spdy/connection.h"
#include "engine/spdy/fault.h"
#include "engine/spdy/ids.h"
#include "engine/spdy/life.h"
#include "engine/spdy/message.h"
#include "engine/spdy/named.h"
#include "engine/spdy/queue.h"
#include "engine/spdy/reply.h"

/* ---- server ---------------------------------------------------------------------------------- */

/* Section 3.3: the page's stream must not have ended, since that is how long a client remembers it. */
static bool may_push(const struct spdy *spdy, const struct spdy_stream *page) {
  return spdy->server && !spdy->session.raw && spdy->shared->config.push && !spdy->dead &&
         !spdy->goaway_sent && !spdy->goaway_received && !page->gone && !page->lingers &&
         !page->own && !page->fin_sent && spdy->active_own < spdy->their_streams_max &&
         spdy->active_own < PEER_PUSHES_MAX && spdy->own_id_next <= SPDY_STREAM_ID_MAX - 1;
}

/* The URL's fields, as the handler will see the request and as they are sent. */
struct promise {
  struct headers list;
  struct request request;
  struct header sent[3];
};

/* False: it is no GET of an origin, or not of the page's. */
__attribute__((warn_unused_result)) static bool
promise_read(struct promise *promise, const struct header *fields, size_t count) {
  struct request *request = &promise->request;
  promise->list =
      (struct headers){.at = (struct header *)(uintptr_t)fields, .count = (uint32_t)count};
  *request =
      (struct request){.fields = &promise->list, .content_length = -1, .end = true, .pushed = true};
  for (size_t i = 0; i < count; i++) {
    switch (header_token_by_name(&fields[i])) {
    case TOKEN_METHOD: request->method = fields[i].value; break;
    case TOKEN_SCHEME: request->scheme = fields[i].value; break;
    case TOKEN_AUTHORITY: request->authority = fields[i].value; break;
    case TOKEN_PATH: request->path = fields[i].value; break;
    default: break;
    }
  }
  promise->sent[0] = (struct header){.name = span_text(":scheme"), .value = request->scheme};
  promise->sent[1] = (struct header){.name = span_text(":host"), .value = request->authority};
  promise->sent[2] = (struct header){.name = span_text(":path"), .value = request->path};
  return span_is(request->method, "GET") && request->scheme.len && request->authority.len &&
         request->path.len;
}

/* A pushed stream is less urgent than its page, but before what the client has asked for last. */
static uint8_t priority_below(const struct spdy_stream *page) {
  uint8_t urgency = page->node.urgency;
  return urgency < SPDY_PRIORITY_MAX ? urgency + 1 : urgency;
}

static struct spdy_stream *open_push(struct spdy *spdy, struct spdy_stream *page) {
  struct spdy_stream *pushed = spdy_stream_open(spdy, spdy->own_id_next, priority_below(page));
  if (!pushed) return NULL;
  spdy->own_id_next += 2;
  pushed->associated_id = page->id;
  pushed->state = SPDY_ENDED; /* nothing comes back */
  pushed->replied = false;
  spdy->receiving--;
  return pushed;
}

struct stream *spdy_push(struct spdy_stream *page, const struct header *fields, size_t count) {
  struct spdy *spdy = page->spdy;
  struct promise promise;
  if (!may_push(spdy, page) || !promise_read(&promise, fields, count)) return NULL;
  if (!origin_is(spdy->origins, page->origin, promise.request.scheme, promise.request.authority))
    return NULL;
  if (!budget_spend(&spdy->pushes, 1, spdy->now_ns)) return NULL;
  struct spdy_stream *pushed = open_push(spdy, page);
  if (!pushed) return NULL;
  const struct spdy_plan plan = {.type = SPDY_SYN_STREAM,
                                 .flags = SPDY_FLAG_UNIDIRECTIONAL,
                                 .priority = pushed->node.urgency,
                                 .associated_id = page->id,
                                 .fields = promise.sent,
                                 .count = 3};
  if (!spdy_queue_block(pushed, &plan)) {
    spdy_stream_finish(spdy, pushed, SPDY_RESET_LOCAL, SPDY_INTERNAL_ERROR);
    return NULL;
  }
  counter_add(&spdy->shared->counters.pushes, 1);
  spdy_named_note(page, pushed, &promise.request);
  pushed->delivered = true;
  spdy->handler->request(spdy->handler->ctx, &pushed->base, &promise.request, spdy->now_ns);
  spdy_wake(spdy);
  return pushed->gone ? NULL : &pushed->base;
}

/* ---- both ------------------------------------------------------------------------------------ */

void spdy_push_cancel(struct spdy *spdy, uint32_t page_id, enum spdy_state state) {
  struct spdy_stream *stream = spdy->all;
  while (stream) {
    bool pushed = stream->associated_id == page_id;
    if (pushed) spdy_stream_finish(spdy, stream, state, SPDY_CANCEL);
    stream = pushed ? spdy->all : stream->next;
  }
}

/* ---- client ---------------------------------------------------------------------------------- */

/* Why a push is refused, as the status of its RST_STREAM; 0: it is acceptable. */
static uint32_t judge_frame(const struct spdy *spdy, const struct spdy_frame *frame) {
  const struct spdy_stream *page = spdy_find(spdy, frame->syn_stream.associated_id);
  if (spdy->session.raw || !spdy->shared->config.push) return SPDY_REFUSED_STREAM;
  if (!(frame->header.flags & SPDY_FLAG_UNIDIRECTIONAL)) return SPDY_PROTOCOL_ERROR;
  if (frame->syn_stream.associated_id == 0) return SPDY_PROTOCOL_ERROR;
  if (!page || !page->own) return SPDY_INVALID_STREAM;
  return spdy->active_peer < spdy->shared->config.concurrent_streams ? 0 : SPDY_REFUSED_STREAM;
}

/* The server is authoritative for the origin of the page (section 3.3.2). If that could not be kept nothing can be
 * said. */
static uint32_t judge_origin(const struct spdy *spdy, const struct spdy_stream *page,
                             const struct request *request) {
  if (!page->origin) return SPDY_REFUSED_STREAM;
  bool same = origin_is(spdy->origins, page->origin, request->scheme, request->authority);
  return same ? 0 : SPDY_PROTOCOL_ERROR;
}

static void refuse(struct spdy *spdy, uint32_t id, uint32_t status) {
  if (!spdy_charge_glitch(spdy, &spdy->shared->counters.glitches_refused)) return;
  spdy_remember_closed(spdy, id, SPDY_RESET_LOCAL);
  spdy_rst_stream(spdy, id, status);
}

/* Offers it to whoever asked for the page. NULL: it is not wanted, or cannot be had. */
static struct spdy_stream *take(struct spdy *spdy, const struct spdy_frame *frame,
                                const struct request *request) {
  struct spdy_stream *page = spdy_find(spdy, frame->syn_stream.associated_id);
  struct spdy_stream *pushed = spdy_stream_open(spdy, frame->stream_id, frame->syn_stream.priority);
  if (!pushed) {
    refuse(spdy, frame->stream_id, SPDY_REFUSED_STREAM);
    return NULL;
  }
  spdy->peer_id_handled = pushed->id;
  pushed->fin_sent = pushed->body_ended = true; /* nothing goes back */
  pushed->awaits_response = true;
  pushed->associated_id = page->id;
  pushed->header_received = SPDY_FRAME_HEADER_BYTES + frame->header.length;
  const struct stream_events *events = page->base.events;
  if (events && events->promise) events->promise(&page->base, &pushed->base, request);
  if (!pushed->gone && !pushed->base.events) spdy_stream_abort(spdy, pushed, SPDY_CANCEL);
  return pushed->gone ? NULL : pushed;
}

/* Pseudo-header fields of a request, which come first in the list: fixed by spdy_message_push(). */
enum { URL_FIELDS = 4 };

void spdy_push_received(struct spdy *spdy, const struct spdy_frame *frame, struct headers *fields,
                        bool malformed) {
  struct request request = {.fields = fields, .content_length = -1};
  unsigned response_status = 0;
  bool fin = frame->header.flags & SPDY_FLAG_FIN;
  uint32_t status = judge_frame(spdy, frame);
  if (!status && fields->overflowed) status = SPDY_FRAME_TOO_LARGE;
  if (!status &&
      (malformed || spdy_message_push(fields, &request, &response_status).scope != SPDY_ACCEPT))
    status = SPDY_PROTOCOL_ERROR;
  if (!status)
    status = judge_origin(spdy, spdy_find(spdy, frame->syn_stream.associated_id), &request);
  if (status) {
    refuse(spdy, frame->stream_id, status);
    return;
  }
  request.content_length = -1;
  request.end = true;
  struct spdy_stream *pushed = take(spdy, frame, &request);
  if (!pushed || (!response_status && !fin)) return;
  struct headers rest = *fields;
  rest.at += URL_FIELDS;
  rest.count -= URL_FIELDS;
  spdy_reply_begin(spdy, pushed, response_status, fin, &rest);
}
