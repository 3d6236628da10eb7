/*
 * h1/response.c - see h1/response.h.
 */
#include "engine/h1/response.h"

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "engine/h1/body.h"
#include "engine/h1/client.h"
#include "engine/h1/fault.h"
#include "engine/h1/framing.h"
#include "engine/h1/life.h"
#include "engine/http/section.h"

/* Places in the list for the pseudo-header fields that a response has over HTTP/2. */
enum { STATUS, FIRST };

void h1_response_fields(struct h1 *h1) {
  struct headers *fields = &h1->http->headers;
  headers_clear(fields);
  fields->count = FIRST;
}

static void fill_in(struct headers *fields, const struct h1_head *head, uint8_t *digits) {
  struct span status = span_of(digits, decimal_put(digits, head->status));
  fields->at[STATUS] = header_of(TOKEN_STATUS, status);
  h1_framing_strip(fields, FIRST);
}

/* The owner may reset the stream. False: it has. */
static bool tell(struct h1_stream *stream, const struct h1_head *head, bool end) {
  stream->status = head->status;
  stream_tell_response(&stream->base, head->status, &stream->h1->http->headers, head->bytes, end);
  return !stream->told;
}

/* Whether the owner needs no fields. */
static bool needs_status_alone(const struct h1_stream *stream) {
  return stream->base.events && stream->base.events->status;
}

/* ---- what is not final ----------------------------------------------------------------------- */

/* They are bounded together, as over HTTP/2. */
static void informational(struct h1_stream *stream, const struct h1_head *head) {
  struct h1 *h1 = stream->h1;
  if (stream->header_received > h1->http->headers.list_bytes_max)
    h1_fault_server(h1, "too many informational responses");
  else
    (void)tell(stream, head, false);
}

/* The body waited for this. */
static void make_tunnel(struct h1_stream *stream, const struct h1_head *head) {
  stream->asks = false;
  stream->tunnel = true;
  stream->keep = false;
  stream->h1->phase = H1_READ_TUNNEL;
  counter_add(&stream->h1->shared->counters.tunnels, 1);
  if (tell(stream, head, false)) h1_wake(stream->h1);
}

/* ---- the final response ---------------------------------------------------------------------- */

static enum h1_phase phase_of(enum h1_body body) {
  switch (body) {
  case H1_BODY_LENGTH: return H1_READ_LENGTH;
  case H1_BODY_CHUNKED: return H1_READ_CHUNKED;
  default: return H1_READ_UNTIL_EOF;
  }
}

/* `fields` are NULL if the owner needs none. */
static void final(struct h1_stream *stream, const struct h1_answer *answer,
                  const struct headers *fields) {
  bool end = answer->body == H1_BODY_NONE;
  stream->responded = true;
  stream->content_length = answer->content_length;
  if (!answer->keep) stream->keep = false;
  if (stream->asks) { /* refused: what was to go through the tunnel is dropped */
    stream->asks = false;
    h1_stream_asked(stream);
  }
  if (!end && !h1_body_begin(stream, phase_of((enum h1_body)answer->body))) {
    h1_fault_server(stream->h1, "too many responses at once");
    return;
  }
  stream->status = answer->status;
  if (needs_status_alone(stream))
    stream->base.events->status(&stream->base, answer->status, answer->size, end);
  else
    stream_tell_response(&stream->base, answer->status, fields, answer->size.wire_bytes, end);
  if (stream->told || !end) return;
  h1_stream_end_received(stream);
  h1_body_settle(stream);
}

/* ---- heads that come again ------------------------------------------------------------------- */

/* Whether the response's head means the same whatever the request was. */
static bool is_plain(const struct h1_stream *stream) {
  return !stream->head_request && !stream->connect && !stream->asks && needs_status_alone(stream);
}

size_t h1_response_again(struct h1 *h1, struct span in) {
  struct h1_stream *stream = h1->first;
  if (!is_plain(stream)) return 0;
  const struct h1_answer *answered = h1_response_memo_find(&h1->shared->responses, in);
  if (!answered) return 0;
  const struct h1_answer answer = *answered;
  h1->head_bytes = answer.size.wire_bytes;
  stream->header_received += answer.size.wire_bytes;
  final(stream, &answer, NULL);
  return answer.size.wire_bytes;
}

static void handle_final(struct h1_stream *stream, const struct h1_head *head,
                         const struct h1_framing *framing) {
  struct h1 *h1 = stream->h1;
  const struct headers *fields = &h1->http->headers;
  struct h1_answer answer = {.content_length = framing->content_length,
                             .size = {.wire_bytes = (uint32_t)head->bytes},
                             .status = head->status,
                             .body = (uint8_t)framing->body,
                             .keep = framing->keep};
  if (needs_status_alone(stream)) answer.size = section_size_of(fields, head->bytes);
  if (is_plain(stream))
    h1_response_memo_keep(&h1->shared->responses, h1->http->memory, h1_head_text(head), &answer);
  final(stream, &answer, fields);
}

/* ---- every head ------------------------------------------------------------------------------ */

/* What is wrong with a 101, or NULL. It says what it changes to, which is what was asked for (RFC 9110 sections
 * 7.8 and 15.2.2): two protocols that read the same bytes differently would be a way to smuggle requests. */
static const char *bad_switch(const struct h1_stream *stream, const struct h1_framing *framing) {
  const struct h1 *h1 = stream->h1;
  if (!stream->asks) return "101 to a request for no upgrade";
  if (framing->upgrade.len == 0) return "101 without an upgrade";
  bool same = span_equal_ignoring_case(framing->upgrade, span_of(h1->protocol, h1->protocol_len));
  return same ? NULL : "101 to another protocol than was asked for";
}

void h1_response_handle(struct h1 *h1, const struct h1_head *head) {
  struct h1_stream *stream = h1->first;
  struct headers *fields = &h1->http->headers;
  struct h1_framing framing;
  uint8_t digits[DECIMAL_BYTES_MAX];
  const struct h1_asked asked = {.head = stream->head_request, .connect = stream->connect};
  struct h1_verdict verdict = h1_framing_response(head, fields, FIRST, asked, &framing);
  if (verdict.outcome != H1_COMPLETE) {
    h1_fault_server(h1, verdict.reason);
    return;
  }
  fill_in(fields, head, digits);
  h1->head_bytes = (uint32_t)head->bytes;
  stream->header_received += (uint32_t)head->bytes;
  bool tunnel = framing.body == H1_BODY_TUNNEL;
  const char *bad = head->status == 101 ? bad_switch(stream, &framing) : NULL;
  if (bad)
    h1_fault_server(h1, bad);
  else if (tunnel)
    make_tunnel(stream, head);
  else if (head->status < 200)
    informational(stream, head);
  else
    handle_final(stream, head, &framing);
}

/* ---- the server's end ------------------------------------------------------------------------ */

void h1_response_eof(struct h1 *h1) {
  struct h1_stream *stream = h1->first;
  bool to_the_end = stream && stream->responded && h1->phase == H1_READ_UNTIL_EOF;
  if (to_the_end) {
    h1_body_end(stream, NULL);
  } else if (stream && stream->tunnel) {
    h1_body_eof(h1);
    h1_body_settle(stream);
    return;
  }
  h1_client_end(h1, h1->first ? H1_END_EOF : H1_END_DONE, NULL);
  h1_close(h1, H1_CONNECT_ERROR);
}
