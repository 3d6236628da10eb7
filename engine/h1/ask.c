/*
 * h1/ask.c - see h1/ask.h.
 */
#include "engine/h1/ask.h"

#include "engine/h1/life.h"
#include "engine/h1/text.h"
#include "engine/http/contract.h"

#include <assert.h>
#include <string.h>

uint32_t h1_request_room(const struct h1 *h1) {
  return !h1->first && !h1->closing && !h1->lost && !h1->eof && !h1->draining;
}

/* What the pseudo-header fields say. */
static struct h1_line line_of(const struct header *fields, size_t count) {
  struct h1_line line = {.host = {0}};
  struct span host = {0};
  for (size_t i = 0; i < count; i++) {
    switch (header_token_by_name(&fields[i])) {
    case TOKEN_METHOD: line.method = fields[i].value; break;
    case TOKEN_AUTHORITY: line.host = fields[i].value; break;
    case TOKEN_PATH: line.target = fields[i].value; break;
    case TOKEN_PROTOCOL: line.protocol = fields[i].value; break;
    case TOKEN_HOST: host = fields[i].value; break;
    default: break;
    }
  }
  if (line.host.len == 0) line.host = host;
  if (line.protocol.len && !span_is(line.method, "POST")) line.method = span_text("GET");
  if (span_is(line.method, "CONNECT")) line.target = line.host;
  return line;
}

/* A method that defines content says that there is none (RFC 9110 section 8.6). */
static bool expects_content(struct span method) {
  return span_is(method, "POST") || span_is(method, "PUT") || span_is(method, "PATCH");
}

static void plan_body(struct h1_stream *stream, const struct h1_line *line,
                      const struct h1_survey *survey, struct h1_request_plan *plan) {
  if (line->protocol.len) {
    plan->leave_length = true;
    plan->add_zero_length = expects_content(line->method);
    return;
  }
  stream->length_left = survey->length;
  if (survey->length >= 0) return;
  stream->chunked = plan->add_chunked = stream->body.ops;
  plan->add_zero_length = !stream->body.ops && expects_content(line->method);
}

static struct h1_text *make_head(struct h1_stream *stream, const struct h1_line *line,
                                 const struct header *fields, size_t count) {
  struct h1_survey survey = h1_text_survey(fields, count);
  struct h1_request_plan plan = {.line = *line, .fields = fields, .count = count};
  bool long_name = line->protocol.len > H1_PROTOCOL_BYTES_MAX;
  bool promised = survey.length > 0 && !stream->body.ops; /* bytes that will never come */
  if (survey.mistake || long_name || promised || !h1_text_line_ok(line)) return NULL;
  plan_body(stream, line, &survey, &plan);
  return h1_text_request(stream->h1, &plan, &survey);
}

/* Opens the stream; it is the only one of the queue. */
static struct h1_stream *open_stream(struct h1 *h1, const struct h1_line *line, struct body body) {
  struct h1_stream *stream = h1_stream_open(h1);
  if (!stream) return NULL;
  stream->body = body;
  stream->safe = true;
  stream->keep = true;
  stream->final_queued = true;
  stream->end_received = false;
  stream->head_request = span_is(line->method, "HEAD");
  stream->connect = span_is(line->method, "CONNECT");
  stream->asks = line->protocol.len > 0;
  h1->reading = stream;
  h1->phase = H1_READ_HEAD;
  return stream;
}

struct stream *h1_request(struct h1 *h1, const struct header *fields, size_t count,
                          struct body body, const struct stream_events *events, void *user) {
  assert(h1->role == H1_CLIENT);
  h1_call_in(h1);
  const struct h1_line line = line_of(fields, count);
  struct h1_stream *stream = h1_request_room(h1) ? open_stream(h1, &line, body) : NULL;
  if (!stream) {
    contract_drop(body);
    return NULL;
  }
  struct h1_text *text = make_head(stream, &line, fields, count);
  if (!text) {
    h1_stream_tell(stream, H1_INTERNAL_ERROR);
    h1_stream_remove_first(h1);
    return NULL;
  }
  h1->protocol_len = (uint8_t)line.protocol.len;
  if (line.protocol.len) memcpy(h1->protocol, line.protocol.base, line.protocol.len);
  h1_stream_append(stream, text);
  stream->base.events = events;
  stream->base.user = user;
  h1_wake(h1);
  return &stream->base;
}
