/*
 * h2/accept.c - see h2/accept.h.
 *
 *     section --> valid? --no--> 400, and RST_STREAM behind it
 *                   | yes
 *                 asked: kept, if it comes again (h2/request_memo.h)
 *                   |
 *     kept ------> room? --no--> RST_STREAM
 *                   | yes
 *                 a stream --> the handler
 */
#include "engine/h2/accept.h"

#include "engine/h2/brief.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/fault.h"
#include "engine/h2/flow.h"
#include "engine/h2/ids.h"
#include "engine/h2/life.h"
#include "engine/h2/message.h"
#include "engine/h2/origin.h"
#include "engine/h2/priority.h"
#include "engine/h2/queue.h"

void h2_accept_reset(struct h2 *h2, uint32_t id, enum h2_error code) {
  h2_remember_closed(h2, id, H2_CLOSED_RESET_LOCAL);
  h2_rst_stream(h2, id, code);
}

static void refuse(struct h2 *h2, uint32_t id) {
  counter_add(&h2->http->counters.refused, 1);
  if (h2_charge_glitch(h2, &h2->shared->counters.glitches_refused))
    h2_accept_reset(h2, id, H2_REFUSED_STREAM);
}

/* ---- answers in the handler's place ---------------------------------------------------------- */

/* The handler hears of it. */
static void answer(struct h2 *h2, struct h2_stream *stream, const struct headers *fields,
                   unsigned status) {
  h2_queue_take_part(stream);
  stream->delivered = handler_refused(h2->http->handler, &stream->base, fields, h2->now_ns);
  (void)stream_respond(&stream->base, status, NULL, 0, BODY_NONE);
}

/* The header section is larger than our limit. The client learns so from a 431 (RFC 6585 section 5). */
static void answer_431(struct h2 *h2, struct h2_stream *stream, const struct headers *fields) {
  counter_add(&h2->http->counters.too_large, 1);
  answer(h2, stream, fields, 431);
}

/* ---- the handler ----------------------------------------------------------------------------- */

/* Whether the request may reach the handler: it asks for no tunnel, or for one that the handler
 * takes. */
static bool protocol_is_spoken(const struct h2 *h2, struct h2_stream *stream,
                               struct request *request) {
  if (request->protocol.len == 0) return true;
  struct span name = handler_protocol(h2->http->handler, request->protocol);
  stream->asks = name.len > 0;
  if (stream->asks) request->protocol = name;
  return stream->asks || h2->shared->config.connect_protocol;
}

/* The status of a request that the handler does not get; 0: it does. */
static unsigned refusal_of(const struct h2 *h2, struct h2_stream *stream, struct h2_asked *asked) {
  if (asked->request.authority.len == 0) return 400; /* RFC 9110 section 7.2: it names no host */
  if (asked->expectation == EXPECT_UNKNOWN) return 417;
  /* RFC 9220 section 3 says it for HTTP/3. */
  return protocol_is_spoken(h2, stream, &asked->request) ? 0 : 501;
}

/* A client that sent `expect: 100-continue` waits for 100 before it sends the body (RFC 9110
 * section 10.1.1). A handler that has not answered by the time request() returns wants that body.
 */
static void hand_over(struct h2 *h2, struct h2_stream *stream, struct h2_asked *asked) {
  bool waits = asked->expectation == EXPECT_CONTINUE;
  unsigned status = refusal_of(h2, stream, asked);
  if (status) {
    answer(h2, stream, asked->request.fields, status);
    return;
  }
  stream->delivered = true;
  counter_add(&h2->http->counters.requests, 1);
  const struct handler *handler = h2->http->handler;
  handler->request(handler->ctx, &stream->base, &asked->request, h2->now_ns);
  if (!stream->gone && !stream->brief) h2_queue_take_part(stream);
  if (waits && !stream->end_received && !stream->gone)
    (void)stream_inform(&stream->base, 100, NULL, 0); /* refused if the handler has answered */
  if (h2->draining) h2_stream_drain(stream);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Opens the stream that the peer's block begins; NULL when a limit forbids it. */
static struct h2_stream *open_stream(struct h2 *h2, const struct h2_opening *opening) {
  if (h2->active_peer >= h2->ours.max_concurrent_streams) return NULL;
  if (!opening->end && !h2_flow_admits(h2)) return NULL;
  struct h2_stream *stream = h2_stream_open(h2, opening->id);
  if (!stream) return NULL;
  if (!opening->end) h2_flow_opened(h2, stream);
  h2->peer_id_handled = opening->id;
  stream->header_received = opening->wire_bytes;
  h2_stream_event(stream, H2_RECV_HEADERS);
  return stream;
}

/* Section 8.1.1: answers 400, and h2/send.c resets the stream behind it. Some clients retry for a
 * minute after a reset without an answer; they get one only when a limit forbids the stream. The 400
 * has END_STREAM: clients then show it, and ignore the reset of a stream that has ended for them
 * (section 5.1). Where the request goes on, that reset would hide the 400 from them, so it is read and
 * dropped first, as any that is answered early. */
static void reject(struct h2 *h2, const struct h2_opening *opening, const struct headers *fields) {
  if (!h2_charge_reset(h2)) return;
  struct h2_stream *stream = open_stream(h2, opening);
  if (!stream) {
    h2_accept_reset(h2, opening->id, H2_PROTOCOL_ERROR);
    return;
  }
  if (opening->end && !h2_stream_end_received(h2, stream)) return;
  stream->malformed = true;
  answer(h2, stream, fields, 400);
}

static void accept_too_large(struct h2 *h2, const struct h2_opening *opening,
                             const struct headers *fields) {
  struct h2_stream *stream = open_stream(h2, opening);
  if (!stream)
    refuse(h2, opening->id);
  else if (!opening->end || h2_stream_end_received(h2, stream))
    answer_431(h2, stream, fields);
}

static void request_priority(struct h2 *h2, struct h2_stream *stream,
                             const struct h2_opening *opening, const struct h2_asked *asked) {
  bool said = h2_priority_is_said(h2, &asked->priority, opening->dependency);
  if (said) h2_brief_join(h2);
  if (said) h2_queue_take_part(stream);
  h2_priority_request(stream, &asked->priority, opening->dependency);
}

static void accept_valid(struct h2 *h2, const struct h2_opening *opening, struct h2_asked *asked) {
  struct request *request = &asked->request;
  struct h2_stream *stream = open_stream(h2, opening);
  if (!stream) {
    refuse(h2, opening->id);
    return;
  }
  request->end = opening->end;
  stream->head_request = asked->head;
  stream->connect = asked->connect;
  stream->content_length = request->content_length;
  if (opening->end && !h2_stream_end_received(h2, stream)) return;
  if (h2->shared->config.push && h2->theirs.enable_push)
    h2_origin_note(stream, request->scheme, request->authority);
  request_priority(h2, stream, opening, asked);
  hand_over(h2, stream, asked);
}

static bool lacks_content(const struct h2_opening *opening, const struct request *request) {
  return opening->end && request->content_length > 0;
}

static struct h2_asked asked_of(const struct h2 *h2, const struct request *request) {
  return (struct h2_asked){.request = *request,
                           .priority = h2_priority_said_of(h2, request),
                           .expectation = expectation_of(request->fields),
                           .head = span_is(request->method, "HEAD"),
                           .connect = span_is(request->method, "CONNECT")};
}

void h2_accept_asked(struct h2 *h2, const struct h2_opening *opening, struct h2_asked *asked) {
  if (lacks_content(opening, &asked->request))
    reject(h2, opening, asked->request.fields);
  else
    accept_valid(h2, opening, asked);
}

/* From the next time on it has a number. */
static void keep(struct h2 *h2, const struct h2_coded *coded, const struct h2_asked *asked) {
  const bool lasts = coded->state != 0 && coded->state == hpack_decoder_state(&h2->decoder);
  struct h2_asked *kept =
      lasts ? h2_request_memo_note(&h2->requests, h2->http->memory, coded, asked) : NULL;
  if (kept) kept->request.number = ++h2->http->requests_numbered;
}

void h2_accept_section(struct h2 *h2, const struct h2_opening *opening, struct headers *fields,
                       const struct h2_coded *coded) {
  struct request request = {.content_length = -1};
  struct h2_verdict verdict = H2_OK;
  if (!fields->overflowed)
    verdict = h2_message_request(fields, h2->ours.enable_connect_protocol, &request);
  /* Joining the cookies may have made it too large. */
  if (fields->overflowed || fields->count > PEER_HEADER_FIELDS_MAX) {
    accept_too_large(h2, opening, fields);
  } else if (verdict.scope != H2_ACCEPT) {
    reject(h2, opening, fields);
  } else {
    struct h2_asked asked = asked_of(h2, &request);
    keep(h2, coded, &asked);
    h2_accept_asked(h2, opening, &asked);
  }
}

void h2_accept_upgraded(struct h2 *h2, const struct h2_opening *opening,
                        const struct request *request) {
  struct h2_asked asked = asked_of(h2, request);
  accept_valid(h2, opening, &asked);
}
