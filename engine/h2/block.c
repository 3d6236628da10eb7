/*
 * h2/block.c - header blocks: HEADERS or PUSH_PROMISE and their CONTINUATION frames become a
 * decoded, checked section that a handler gets.
 * Spec: RFC 9113 sections 4.3, 5.1.1, 5.1.2, 6.2, 6.6, 6.10 and 8.
 *
 * Every block is decoded to its end, even if its stream is gone: the peer's HPACK encoder counts on
 * that. The first frame tells the kind of the block:
 *
 *     REQUEST  opens a stream of the peer (server role): h2/accept.h
 *     MESSAGE  a response, or trailers, on a live stream
 *     PROMISE  reserves a stream (client role)
 *     DISCARD  nothing; the stream is closed, or was opened after our last GOAWAY
 *
 * `verdict` is what the first frame has earned; it is acted on once the block is decoded.
 */
#include "engine/h2/block.h"

#include "engine/h2/accept.h"
#include "engine/h2/client.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/fault.h"
#include "engine/h2/flow.h"
#include "engine/h2/ids.h"
#include "engine/h2/life.h"
#include "engine/h2/message.h"
#include "engine/h2/origin.h"
#include "engine/h2/priority.h"
#include "engine/h2/response_memo.h"
#include "engine/http/section.h"

#include <assert.h>
#include <string.h>

/* ---- REQUEST --------------------------------------------------------------------------------- */

static void complete_request(struct h2 *h2, struct headers *fields, const struct h2_coded *coded) {
  const struct h2_block *block = &h2->block;
  const struct h2_opening opening = {
      .id = block->stream_id,
      .wire_bytes = block->wire_bytes,
      .end = block->end_stream,
      .dependency = block->has_dependency ? &block->dependency : NULL,
  };
  if (block->verdict.scope == H2_ACCEPT)
    h2_accept_section(h2, &opening, fields, coded);
  else if (h2_charge_reset(h2))
    h2_accept_reset(h2, opening.id, block->verdict.code);
}

void h2_block_upgraded(struct h2 *h2, const struct http_upgrade *upgrade) {
  const struct h2_opening opening = {
      .id = 1, .wire_bytes = (uint32_t)upgrade->head_bytes, .end = true};
  h2->peer_id_max = opening.id;
  h2_accept_upgraded(h2, &opening, upgrade->request);
}

/* ---- MESSAGE --------------------------------------------------------------------------------- */

static void settle(struct h2 *h2, struct h2_stream *stream) {
  if (!stream->gone && stream->state == H2_CLOSED) h2_stream_finish(h2, stream, H2_NO_ERROR);
}

/* Too many bytes, or too many fields of a client's. */
static bool is_too_large(const struct h2 *h2, const struct headers *fields) {
  return fields->overflowed || (h2->role == H2_SERVER && fields->count > PEER_HEADER_FIELDS_MAX);
}

static struct h2_verdict complete_trailers(struct h2 *h2, struct h2_stream *stream,
                                           const struct headers *fields) {
  if (!h2->block.end_stream)
    return h2_stream_error(H2_PROTOCOL_ERROR, "trailers without END_STREAM"); /* section 8.1 */
  if (stream->connect)
    return h2_stream_error(H2_PROTOCOL_ERROR, "HEADERS in a tunnel"); /* section 8.5 */
  if (is_too_large(h2, fields))
    return h2_stream_error(H2_ENHANCE_YOUR_CALM, "trailers are too large");
  struct h2_verdict verdict = h2_message_trailers(fields);
  if (verdict.scope != H2_ACCEPT) return verdict;
  stream->header_received += h2->block.wire_bytes;
  if (!h2_stream_end_received(h2, stream)) return H2_OK;
  const struct stream_events *events = stream->base.events;
  if (!h2_stream_is_heard(stream)) events = NULL;
  if (events && events->trailers)
    events->trailers(&stream->base, fields);
  else if (events && events->data)
    events->data(&stream->base, (struct span){0}, true); /* the handler must hear of the end */
  settle(h2, stream);
  return H2_OK;
}

/* What a decoded section says, and its size. */
static struct h2_verdict judge_response(const struct headers *fields, size_t wire_bytes,
                                        struct h2_answer *out) {
  unsigned status = 0;
  int64_t content_length = -1;
  if (fields->overflowed) return h2_stream_error(H2_ENHANCE_YOUR_CALM, "response is too large");
  struct h2_verdict verdict = h2_message_response(fields, &status, &content_length);
  *out = (struct h2_answer){.content_length = content_length,
                            .size = section_size_of(fields, wire_bytes),
                            .status = (uint16_t)status};
  return verdict;
}

static struct h2_verdict note_informational(struct h2_stream *stream, const struct headers *fields,
                                            bool end) {
  if (end) return h2_stream_error(H2_PROTOCOL_ERROR, "informational response ends the stream");
  stream->informational_bytes += fields->list_bytes;
  if (stream->informational_bytes > fields->list_bytes_max)
    return h2_stream_error(H2_ENHANCE_YOUR_CALM, "too many informational responses");
  return H2_OK;
}

static void note_final(struct h2_stream *stream, const struct h2_answer *answer) {
  unsigned status = answer->status;
  bool bodiless = stream->head_request || status == 204 || status == 304;
  stream->final_received = true;
  stream->content_length = bodiless ? -1 : answer->content_length; /* section 8.1.1 */
  stream->head_request = bodiless;
  if (stream->connect && status < 300) stream->content_length = -1; /* RFC 9110 section 9.3.6 */
  if (stream->connect && status >= 300) stream->connect = false;
}

/* The response is valid. `fields` may be NULL if the handler needs none. Inlined for blocks that came before. */
__attribute__((always_inline)) static inline void
take_response(struct h2 *h2, struct h2_stream *stream, const struct h2_answer *answer,
              const struct headers *fields, bool end) {
  if (answer->status >= 200) note_final(stream, answer);
  if (stream->state == H2_RESERVED_REMOTE) h2_stream_event(stream, H2_RECV_HEADERS);
  if (end && !h2_stream_end_received(h2, stream)) return;
  const struct stream_events *events = stream->base.events;
  if (events && events->status)
    events->status(&stream->base, answer->status, answer->size, end);
  else if (events && events->response)
    events->response(&stream->base, answer->status, fields, end);
  settle(h2, stream);
}

static struct h2_verdict complete_response(struct h2 *h2, struct h2_stream *stream,
                                           const struct headers *fields, struct h2_coded coded) {
  struct h2_answer answer;
  bool end = h2->block.end_stream;
  struct h2_verdict verdict = judge_response(fields, coded.bytes.len, &answer);
  if (verdict.scope == H2_ACCEPT && answer.status < 200)
    verdict = note_informational(stream, fields, end);
  if (verdict.scope != H2_ACCEPT) return verdict;
  bool lasts = coded.state != 0 && coded.state == hpack_decoder_state(&h2->decoder);
  bool heard = stream->base.events && stream->base.events->status;
  if (heard && answer.status >= 200 && lasts)
    h2_response_memo_keep(&h2->responses, h2->http->memory, coded.state, coded.bytes, &answer);
  take_response(h2, stream, &answer, fields, end);
  return H2_OK;
}

static struct h2_verdict complete_message(struct h2 *h2, struct headers *fields,
                                          struct h2_coded coded) {
  struct h2_stream *stream = h2_find(h2, h2->block.stream_id);
  if (h2->block.verdict.scope != H2_ACCEPT || !stream) return h2->block.verdict;
  if (h2->role == H2_CLIENT && !stream->final_received)
    return complete_response(h2, stream, fields, coded);
  return complete_trailers(h2, stream, fields);
}

/* Whether HEADERS may begin a response on this stream, for a handler that needs no fields of it. */
static bool awaits_status(const struct h2_stream *stream) {
  if (!stream || stream->final_received) return false;
  return h2_stream_may_receive(stream) && stream->base.events && stream->base.events->status;
}

/* Responses mostly come in the order of their requests: the next one's stream need not be looked up, and had
 * better be in the cache when its frame is read. */
static void expect_next(struct h2 *h2, const struct h2_stream *stream) {
  const char *next = (const char *)stream->prev;
  h2->expected = stream->prev;
  if (!next) return;
  for (size_t at = 0; at < offsetof(struct h2_stream, urgent_next); at += 64)
    __builtin_prefetch(next + at);
}

bool h2_block_whole(struct h2 *h2, const struct h2_frame_header *frame, struct span block) {
  const uint8_t flags = frame->flags & (uint8_t)~H2_FLAG_END_STREAM;
  if (flags != H2_FLAG_END_HEADERS || h2->block.kind != H2_BLOCK_NONE) return false;
  struct h2_stream *stream = h2->expected;
  if (!stream || stream->id != frame->stream_id) stream = h2_find(h2, frame->stream_id);
  if (!awaits_status(stream)) return false;
  const struct h2_answer *answer =
      h2_response_memo_find(&h2->responses, hpack_decoder_state(&h2->decoder), block);
  if (!answer) return false;
  h2->recent = stream; /* its DATA often come next */
  expect_next(h2, stream);
  take_response(h2, stream, answer, NULL, frame->flags & H2_FLAG_END_STREAM);
  return true;
}

/* ---- PROMISE --------------------------------------------------------------------------------- */

/* Is the server authoritative for what it promises (section 8.4)? It is for the origin of the
 * parent request. If that origin could not be kept nothing can be said: the promise is refused, but
 * is no error. */
static enum h2_error judge_origin(struct h2 *h2, const struct h2_stream *parent,
                                  const struct request *request) {
  if (h2_origin_is(parent, request)) return H2_NO_ERROR;
  if (h2->client && h2->client->authoritative &&
      h2->client->authoritative(h2->client_ctx, h2, request->scheme, request->authority))
    return H2_NO_ERROR;
  return parent->origin || parent->connect ? H2_PROTOCOL_ERROR : H2_REFUSED_STREAM;
}

/* H2_NO_ERROR for an acceptable promise, else the code for RST_STREAM. */
static enum h2_error judge_promise(struct h2 *h2, const struct h2_stream *parent,
                                   struct headers *fields, struct request *request) {
  bool wanted = h2->ours.enable_push && !h2->drain_final; /* none after our last GOAWAY (6.8) */
  if (!wanted || !parent || fields->overflowed) return H2_REFUSED_STREAM;
  if (h2_message_request(fields, false, request).scope != H2_ACCEPT ||
      !h2_message_pushable(request))
    return H2_PROTOCOL_ERROR;
  enum h2_error code = judge_origin(h2, parent, request);
  if (code != H2_NO_ERROR) return code;
  return h2->active_peer < h2->ours.max_concurrent_streams ? H2_NO_ERROR : H2_REFUSED_STREAM;
}

static struct h2_verdict refuse_promise(struct h2 *h2, const struct h2_stream *parent,
                                        enum h2_error code) {
  if (!h2_charge_glitch(h2, &h2->shared->counters.glitches_refused)) return H2_OK;
  h2_accept_reset(h2, h2->block.promised_id, code);
  bool tunnel = parent && parent->connect && parent->final_received;
  return tunnel ? h2_stream_error(H2_PROTOCOL_ERROR, "promise in a tunnel") /* section 8.5 */
                : H2_OK;
}

static struct h2_verdict complete_promise(struct h2 *h2, struct headers *fields) {
  uint32_t promised_id = h2->block.promised_id;
  struct h2_stream *parent = h2_find(h2, h2->block.stream_id);
  struct request request;
  enum h2_error code = judge_promise(h2, parent, fields, &request);
  if (code != H2_NO_ERROR) return refuse_promise(h2, parent, code);
  struct h2_stream *promised = h2_stream_open(h2, promised_id);
  if (!promised) return refuse_promise(h2, parent, H2_REFUSED_STREAM);
  h2->peer_id_handled = promised_id;
  h2_stream_event(promised, H2_RECV_PUSH_PROMISE);
  promised->head_request = span_is(request.method, "HEAD");
  request.end = true;
  const struct stream_events *events = parent->base.events;
  if (events && events->promise) events->promise(&parent->base, &promised->base, &request);
  if (!promised->gone && !promised->base.events) h2_stream_abort(h2, promised, H2_CANCEL);
  return H2_OK;
}

/* ---- decoding -------------------------------------------------------------------------------- */

void h2_block_drop(struct h2 *h2) {
  struct h2_block *block = &h2->block;
  memory_free(h2->http->memory, block->bytes, block->size);
  *block = (struct h2_block){.kind = H2_BLOCK_NONE};
}

static struct h2_verdict decode(struct h2 *h2, struct span bytes, struct headers *fields) {
  struct h2_counters *counters = &h2->shared->counters;
  const char *reason = NULL;
  switch (hpack_decode(&h2->decoder, bytes, fields, &reason)) {
  case HPACK_OK: return H2_OK;
  case HPACK_ERROR: return h2_connection_error(H2_COMPRESSION_ERROR, reason);
  case HPACK_NO_MEMORY: return h2_connection_error(H2_INTERNAL_ERROR, reason);
  case HPACK_TOO_LARGE: break;
  }
  counter_add(&counters->calmed_headers, 1);
  return h2_connection_error(H2_ENHANCE_YOUR_CALM, reason);
}

static struct h2_verdict block_complete(struct h2 *h2, struct span bytes) {
  struct headers *fields = &h2->http->headers;
  const struct h2_coded coded = {.bytes = bytes, .state = hpack_decoder_state(&h2->decoder)};
  headers_clear(fields);
  h2->block.wire_bytes =
      (uint32_t)bytes.len + H2_FRAME_HEADER_BYTES * (1 + h2->block.continuations);
  struct h2_verdict verdict = decode(h2, bytes, fields);
  if (verdict.scope == H2_ACCEPT) {
    switch (h2->block.kind) {
    case H2_BLOCK_REQUEST: complete_request(h2, fields, &coded); break;
    case H2_BLOCK_MESSAGE: verdict = complete_message(h2, fields, coded); break;
    case H2_BLOCK_PROMISE: verdict = complete_promise(h2, fields); break;
    case H2_BLOCK_DISCARD: break;
    case H2_BLOCK_NONE: assert(false);
    }
  }
  h2_block_drop(h2);
  return verdict;
}

/* ---- collecting ------------------------------------------------------------------------------ */

static struct h2_verdict too_long(struct h2 *h2, const char *reason) {
  counter_add(&h2->shared->counters.calmed_headers, 1);
  return h2_connection_error(H2_ENHANCE_YOUR_CALM, reason);
}

static struct h2_verdict append(struct h2 *h2, struct span fragment) {
  struct h2_block *block = &h2->block;
  const struct memory *memory = h2->http->memory;
  uint32_t need = block->len + (uint32_t)fragment.len;
  if (need > PEER_HEADER_BLOCK_BYTES_MAX) return too_long(h2, "header block is too long");
  if (need > block->size) {
    uint32_t size = block->size ? block->size * 2 : 4 * KIB;
    while (size < need)
      size *= 2;
    uint8_t *bytes = memory_alloc(memory, size);
    if (!bytes) return h2_connection_error(H2_INTERNAL_ERROR, "out of memory");
    if (block->len) memcpy(bytes, block->bytes, block->len);
    memory_free(memory, block->bytes, block->size);
    block->bytes = bytes;
    block->size = size;
  }
  if (fragment.len) memcpy(block->bytes + block->len, fragment.base, fragment.len);
  block->len = need;
  return H2_OK;
}

static struct h2_verdict take_fragment(struct h2 *h2, struct span fragment, bool last) {
  struct h2_block *block = &h2->block;
  if (last && block->len == 0) return block_complete(h2, fragment); /* no copy */
  struct h2_verdict verdict = append(h2, fragment);
  if (verdict.scope != H2_ACCEPT || !last) return verdict;
  return block_complete(h2, span_of(block->bytes, block->len));
}

/* The client opened the stream after our last GOAWAY (section 6.8), so it is not handled. What
 * the client sends on it before it sees the GOAWAY is no error. */
static void ignore_stream(struct h2 *h2) {
  h2->block.kind = H2_BLOCK_DISCARD;
  h2->block.verdict = (struct h2_verdict){.scope = H2_IGNORE};
  h2_remember_closed(h2, h2->block.stream_id, H2_CLOSED_RESET_LOCAL);
  h2_note_glitch(h2, &h2->shared->counters.glitches_late);
}

static struct h2_verdict begin_headers(struct h2 *h2, struct h2_verdict fate) {
  struct h2_block *block = &h2->block;
  block->verdict = fate;
  const struct h2_stream *stream = h2_find(h2, block->stream_id);
  if (stream && stream->state == H2_IDLE) /* ours, and its HEADERS have not been sent */
    return h2_connection_error(H2_PROTOCOL_ERROR, "response to a request that was not sent");
  if (stream) {
    block->kind = H2_BLOCK_MESSAGE;
  } else if (fate.scope == H2_IGNORE) {
    block->kind = H2_BLOCK_DISCARD; /* we reset it; the peer may not know yet */
    h2_note_late(h2);
  } else {
    if (h2->role == H2_CLIENT || block->stream_id % 2 == 0) /* section 5.1.1 */
      return h2_connection_error(H2_PROTOCOL_ERROR, "HEADERS opens a stream that is not its own");
    h2->peer_id_max = block->stream_id;
    block->kind = H2_BLOCK_REQUEST;
    if (h2->drain_final) ignore_stream(h2);
  }
  return H2_OK;
}

static struct h2_verdict begin_promise(struct h2 *h2, uint32_t promised_id) {
  if (!h2_is_own_id(h2, h2->block.stream_id)) /* section 8.4 */
    return h2_connection_error(H2_PROTOCOL_ERROR, "promise on a stream that the server opened");
  /* The server knows that push is disabled once it has acknowledged our SETTINGS. A promise before
   * that is refused after its block has been decoded (section 6.6). */
  if (!h2->ours.enable_push && h2->settings_unacked == 0)
    return h2_connection_error(H2_PROTOCOL_ERROR, "push is not enabled");
  if (promised_id <= h2->peer_id_max)
    return h2_connection_error(H2_PROTOCOL_ERROR, "promised stream is not new");
  h2->peer_id_max = promised_id;
  h2->block.kind = H2_BLOCK_PROMISE;
  h2->block.promised_id = promised_id;
  return H2_OK;
}

struct h2_verdict h2_block_begin(struct h2 *h2, const struct h2_frame *frame,
                                 struct h2_verdict fate) {
  struct h2_block *block = &h2->block;
  bool promise = frame->header.type == H2_PUSH_PROMISE;
  assert(block->kind == H2_BLOCK_NONE);
  *block = (struct h2_block){.stream_id = frame->header.stream_id, .begun_ns = h2->now_ns};
  struct h2_verdict verdict =
      promise ? begin_promise(h2, frame->push_promise.promised_id) : begin_headers(h2, fate);
  if (verdict.scope != H2_ACCEPT) return verdict;
  bool last = frame->header.flags & H2_FLAG_END_HEADERS;
  if (promise) return take_fragment(h2, frame->push_promise.fragment, last);
  block->end_stream = frame->header.flags & H2_FLAG_END_STREAM;
  block->has_dependency = frame->header.flags & H2_FLAG_PRIORITY;
  block->dependency = frame->headers.dependency;
  return take_fragment(h2, frame->headers.fragment, last);
}

struct h2_verdict h2_block_request(struct h2 *h2, const struct h2_frame_header *frame,
                                   struct span block) {
  assert(h2->block.kind == H2_BLOCK_NONE && frame->stream_id > h2->peer_id_max);
  const struct h2_coded coded = {.bytes = block, .state = hpack_decoder_state(&h2->decoder)};
  const struct h2_opening opening = {.id = frame->stream_id,
                                     .wire_bytes = H2_FRAME_HEADER_BYTES + frame->length,
                                     .end = frame->flags & H2_FLAG_END_STREAM};
  h2->peer_id_max = frame->stream_id;
  struct h2_asked *asked = h2_request_memo_find(&h2->requests, &coded);
  if (asked) {
    h2_accept_asked(h2, &opening, asked);
    return H2_OK;
  }
  h2->block = (struct h2_block){.kind = H2_BLOCK_REQUEST,
                                .stream_id = opening.id,
                                .end_stream = opening.end,
                                .begun_ns = h2->now_ns};
  return block_complete(h2, block);
}

struct h2_verdict h2_block_continue(struct h2 *h2, const struct h2_frame *frame) {
  bool last = frame->header.flags & H2_FLAG_END_HEADERS;
  if (++h2->block.continuations > H2_CONTINUATION_FRAMES_MAX)
    return too_long(h2, "too many CONTINUATION frames");
  if (!last && frame->continuation.len == 0) return too_long(h2, "empty CONTINUATION");
  return take_fragment(h2, frame->continuation, last);
}
