/*
 * h1/ask.c - see h1/ask.h.
 */
#include "engine/h1/ask.h"

#include "engine/h1/framing.h"
#include "engine/h1/head_memo.h"
#include "engine/h1/life.h"
#include "engine/h1/text.h"
#include "engine/http/contract.h"

#include <assert.h>
#include <string.h>

uint32_t h1_request_room(const struct h1 *h1) {
  const struct h1_stream *last = h1->last;
  bool switches = last && (last->asks || last->tunnel || last->connect);
  bool ends = h1->asking && h1->asking->cut;
  if (switches || ends || h1->closing || h1->lost || h1->eof || h1->draining) return 0;
  return h1->depth > h1->queued ? h1->depth - h1->queued : 0;
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

/* A request as it will be sent. */
struct draft {
  struct body body;
  struct h1_request_facts facts;
  struct span protocol;
  struct h1_text *head; /* NULL: it cannot be made */
};

static void plan_body(struct draft *draft, const struct h1_line *line,
                      const struct h1_survey *survey, struct h1_request_plan *plan) {
  bool has_body = draft->body.ops;
  if (line->protocol.len) {
    plan->leave_length = true;
    plan->add_zero_length = h1_framing_has_content(line->method);
    return;
  }
  draft->facts.length = survey->length;
  if (survey->length >= 0) return;
  draft->facts.chunked = plan->add_chunked = has_body;
  plan->add_zero_length = !has_body && h1_framing_has_content(line->method);
}

static void make_head(struct h1 *h1, struct draft *draft, const struct header *fields,
                      size_t count) {
  const struct h1_line line = line_of(fields, count);
  struct h1_survey survey = h1_text_survey(fields, count);
  struct h1_request_plan plan = {.line = line, .fields = fields, .count = count};
  bool long_name = line.protocol.len > H1_PROTOCOL_BYTES_MAX;
  bool promised = survey.length > 0 && !draft->body.ops; /* bytes that will never come */
  draft->protocol = line.protocol;
  draft->facts.head = span_is(line.method, "HEAD");
  draft->facts.connect = span_is(line.method, "CONNECT");
  if (survey.mistake || long_name || promised || !h1_text_line_ok(&line)) return;
  plan_body(draft, &line, &survey, &plan);
  draft->head = h1_text_request(h1, &plan, &survey);
}

/* A name to upgrade to is no part of what is kept. */
static void find_head(struct h1 *h1, struct draft *draft, struct header_set *set) {
  bool body = draft->body.ops;
  draft->head = h1_head_memo_request(h1, set, body, &draft->facts);
  if (draft->head) return;
  make_head(h1, draft, set->at, set->count);
  if (draft->head && draft->protocol.len == 0)
    h1_head_memo_keep_request(h1, set, body, draft->head, &draft->facts);
}

/* Opens the stream, behind those that are under way. */
static struct h1_stream *open_stream(struct h1 *h1, const struct draft *draft) {
  struct h1_stream *stream = h1_stream_open(h1);
  if (!stream) return NULL;
  stream->body = draft->body;
  stream->length_left = draft->facts.length;
  stream->chunked = draft->facts.chunked;
  stream->safe = true;
  stream->keep = true;
  stream->final_queued = true;
  stream->end_received = false;
  stream->head_request = draft->facts.head;
  stream->connect = draft->facts.connect;
  stream->asks = draft->protocol.len > 0;
  h1_stream_append(stream, draft->head);
  if (!h1->asking) h1->asking = stream;
  if (h1->first != stream) return stream;
  h1->reading = stream;
  h1->phase = H1_READ_HEAD;
  return stream;
}

static void note_protocol(struct h1 *h1, struct span protocol) {
  h1->protocol_len = (uint8_t)protocol.len;
  if (protocol.len) memcpy(h1->protocol, protocol.base, protocol.len);
}

static struct stream *make(struct h1 *h1, const struct draft *draft,
                           const struct stream_events *events, void *user) {
  struct h1_stream *stream = draft->head ? open_stream(h1, draft) : NULL;
  if (!stream) {
    h1_text_free(h1, draft->head);
    contract_drop(draft->body);
    return NULL;
  }
  note_protocol(h1, draft->protocol);
  stream->base.events = events;
  stream->base.user = user;
  h1_wake(h1);
  return &stream->base;
}

struct stream *h1_request(struct h1 *h1, const struct header *fields, size_t count,
                          struct body body, const struct stream_events *events, void *user) {
  struct draft draft = {.body = body, .facts = {.length = -1}};
  assert(h1->role == H1_CLIENT);
  h1_call_in(h1);
  if (h1_request_room(h1)) make_head(h1, &draft, fields, count);
  return make(h1, &draft, events, user);
}

struct stream *h1_request_set(struct h1 *h1, struct header_set *set, struct body body,
                              const struct stream_events *events, void *user) {
  struct draft draft = {.body = body, .facts = {.length = -1}};
  assert(h1->role == H1_CLIENT);
  h1_call_in(h1);
  if (h1_request_room(h1)) find_head(h1, &draft, set);
  return make(h1, &draft, events, user);
}
