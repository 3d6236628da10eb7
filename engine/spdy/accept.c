/*
 * spdy/accept.c - see spdy/accept.h.
 */
#include "engine/spdy/accept.h"

#include "engine/http/expectation.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/fault.h"
#include "engine/spdy/flow.h"
#include "engine/spdy/ids.h"
#include "engine/spdy/life.h"
#include "engine/spdy/message.h"
#include "engine/spdy/push.h"
#include "engine/spdy/queue.h"

/* ---- identifiers ----------------------------------------------------------------------------- */

/* Section 2.3.2: an identifier that goes backwards is an error of the session, a second SYN_STREAM for one stream an
 * error of that stream. Raw streams are independent tasks of a tool that may number them in one thread and send them
 * in another: there it costs only the stream. */
static struct spdy_verdict backwards(const struct spdy *spdy, uint32_t id) {
  if (id == spdy->peer_id_max || spdy_find(spdy, id) || spdy->session.raw)
    return spdy_stream_error(SPDY_PROTOCOL_ERROR, "SYN_STREAM with an identifier that was used");
  return spdy_session_error(SPDY_GOAWAY_PROTOCOL_ERROR,
                            "SYN_STREAM with an identifier that goes backwards");
}

struct spdy_verdict spdy_accept_check(struct spdy *spdy, const struct spdy_frame *frame) {
  uint32_t id = frame->stream_id;
  if (spdy_is_own_id(spdy, id))
    return spdy_session_error(SPDY_GOAWAY_PROTOCOL_ERROR,
                              "SYN_STREAM with an identifier of the other side");
  if (id <= spdy->peer_id_max) return backwards(spdy, id);
  spdy->peer_id_max = id;
  if (!spdy->goaway_sent) return SPDY_OK;
  spdy_remember_closed(spdy, id, SPDY_RESET_LOCAL); /* what follows is ignored, too */
  return (struct spdy_verdict){.scope = SPDY_IGNORE};
}

/* ---- opening --------------------------------------------------------------------------------- */

static void reset_unopened(struct spdy *spdy, uint32_t id, uint32_t status) {
  spdy_remember_closed(spdy, id, SPDY_RESET_LOCAL);
  spdy_rst_stream(spdy, id, status);
}

static void refuse(struct spdy *spdy, uint32_t id) {
  counter_add(&spdy->http->counters.refused, 1);
  if (spdy_charge_glitch(spdy, &spdy->shared->counters.glitches_refused))
    reset_unopened(spdy, id, SPDY_REFUSED_STREAM);
}

/* NULL when a limit forbids the stream. */
static struct spdy_stream *open_stream(struct spdy *spdy, const struct spdy_frame *frame) {
  bool fin = frame->header.flags & SPDY_FLAG_FIN;
  if (spdy->active_peer >= spdy->shared->config.concurrent_streams) return NULL;
  if (!fin && !spdy_flow_admits(spdy)) return NULL;
  struct spdy_stream *stream = spdy_stream_open(spdy, frame->stream_id, frame->syn_stream.priority);
  if (!stream) return NULL;
  if (!fin) spdy_flow_opened(stream);
  spdy->peer_id_handled = stream->id;
  stream->header_received = SPDY_FRAME_HEADER_BYTES + frame->header.length;
  /* A unidirectional stream takes no reply, not even its end. */
  stream->fin_sent = frame->header.flags & SPDY_FLAG_UNIDIRECTIONAL;
  return stream;
}

static void hand_over(struct spdy *spdy, struct spdy_stream *stream,
                      const struct request *request) {
  stream->delivered = true;
  counter_add(&spdy->http->counters.requests, 1);
  spdy->handler->request(spdy->handler->ctx, &stream->base, request, spdy->now_ns);
}

/* ---- raw ------------------------------------------------------------------------------------- */

static void accept_raw(struct spdy *spdy, const struct spdy_frame *frame, struct headers *fields,
                       bool malformed) {
  bool one_way = frame->header.flags & SPDY_FLAG_UNIDIRECTIONAL;
  if (malformed || fields->overflowed || one_way) {
    if (spdy_charge_reset(spdy)) reset_unopened(spdy, frame->stream_id, SPDY_PROTOCOL_ERROR);
    return;
  }
  struct spdy_stream *stream = open_stream(spdy, frame);
  if (!stream) {
    refuse(spdy, frame->stream_id);
    return;
  }
  stream->asks = stream->tunnel = true;
  bool fin = frame->header.flags & SPDY_FLAG_FIN;
  if (fin && !spdy_end_received(spdy, stream)) return;
  const struct request request = {
      .protocol = span_text(SPDY_RAW_PROTOCOL), .fields = fields, .content_length = -1, .end = fin};
  hand_over(spdy, stream, &request);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

/* The header section is larger than our limit. The client learns so from a 431 (RFC 6585 section 5); the
 * handler is not called. */
static void answer_431(struct spdy *spdy, struct spdy_stream *stream) {
  counter_add(&spdy->http->counters.too_large, 1);
  (void)stream_respond(&stream->base, 431, NULL, 0, BODY_NONE);
}

/* Section 3.2.1 asks for 400 when a field is missing. After it the stream is reset: once the rest of the request
 * has been dropped, or at once if there is none. */
static void answer_400(struct spdy *spdy, struct spdy_stream *stream) {
  stream->malformed = true;
  if (spdy_charge_reset(spdy)) (void)stream_respond(&stream->base, 400, NULL, 0, BODY_NONE);
}

static bool fits(const struct headers *fields) {
  return !fields->overflowed && fields->count <= PEER_HEADER_FIELDS_MAX;
}

static bool is_valid(struct headers *fields, bool fin, struct request *request) {
  if (spdy_message_request(fields, request).scope != SPDY_ACCEPT) return false;
  request->end = fin;
  return !fin || request->content_length <= 0;
}

/* SPDY has no response 100, so a client that waits for one (RFC 9110 section 10.1.1) goes on after a while. Other
 * expectations cannot be met. */
static void handle_request(struct spdy *spdy, struct spdy_stream *stream,
                           const struct request *request) {
  if (expectation_of(request->fields) == EXPECT_UNKNOWN)
    (void)stream_respond(&stream->base, 417, NULL, 0, BODY_NONE);
  else
    hand_over(spdy, stream, request);
}

static void accept_request(struct spdy *spdy, const struct spdy_frame *frame,
                           struct headers *fields, bool malformed) {
  bool fin = frame->header.flags & SPDY_FLAG_FIN;
  bool one_way = frame->header.flags & SPDY_FLAG_UNIDIRECTIONAL;
  if (one_way) { /* no response could be sent */
    if (spdy_charge_reset(spdy)) reset_unopened(spdy, frame->stream_id, SPDY_PROTOCOL_ERROR);
    return;
  }
  struct request request = {.fields = fields, .content_length = -1};
  bool too_large = !malformed && fields->overflowed;
  bool valid = !malformed && !too_large && is_valid(fields, fin, &request);
  too_large |= !malformed && !fits(fields); /* joining the cookies may have made it so */
  struct spdy_stream *stream = open_stream(spdy, frame); /* even to say that it is malformed */
  if (!stream) {
    refuse(spdy, frame->stream_id);
    return;
  }
  if (valid && !too_large) {
    stream->head_request = span_is(request.method, "HEAD");
    stream->content_length = request.content_length;
  }
  if (valid && !too_large && spdy->shared->config.push)
    stream->origin =
        origin_take(&spdy->origins, spdy->http->memory, request.scheme, request.authority);
  if (fin && !spdy_end_received(spdy, stream)) return;
  if (too_large)
    answer_431(spdy, stream);
  else if (!valid)
    answer_400(spdy, stream);
  else
    handle_request(spdy, stream, &request);
}

void spdy_accept(struct spdy *spdy, const struct spdy_frame *frame, struct headers *fields,
                 bool malformed) {
  if (!spdy->server)
    spdy_push_received(spdy, frame, fields, malformed);
  else if (spdy->session.raw)
    accept_raw(spdy, frame, fields, malformed);
  else
    accept_request(spdy, frame, fields, malformed);
}
