/*
 * h2/request.c - see h2/request.h.
 */
#include "engine/h2/request.h"

#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/life.h"
#include "engine/h2/origin.h"
#include "engine/h2/queue.h"
#include "engine/h2/section.h"
#include "engine/h2/send.h"
#include "engine/http/contract.h"

#include <assert.h>

uint32_t h2_request_room(const struct h2 *h2) {
  uint32_t limit = h2->theirs.max_concurrent_streams;
  bool closing = h2->dead || h2->lost || h2->eof || h2->draining || h2->goaway_received;
  if (closing || h2->own_id_next > H2_STREAM_ID_MAX || h2->active_own >= limit) return 0;
  uint32_t ids = (H2_STREAM_ID_MAX - h2->own_id_next) / 2 + 1;
  return limit - h2->active_own < ids ? limit - h2->active_own : ids;
}

/* What a request says about its stream, and what the server's SETTINGS may forbid: a header section
 * above its limit, which it would refuse (RFC 9113 section 6.5.2), and extended CONNECT that it has
 * not offered (RFC 8441 section 4). */
struct asked {
  size_t list_bytes;
  bool head, connect, protocol;
};

static bool is_allowed(const struct h2 *h2, size_t list_bytes, bool protocol) {
  if (protocol && !h2->theirs.enable_connect_protocol) return false;
  return list_bytes <= h2->theirs.max_header_list_size;
}

static struct asked asked_by(const struct header *fields, size_t count) {
  struct asked asked = {.list_bytes = 0};
  for (size_t i = 0; i < count; i++) {
    const struct header *field = &fields[i];
    asked.list_bytes += field->name.len + field->value.len + HEADER_OVERHEAD_BYTES;
    asked.protocol |= field->token == TOKEN_PROTOCOL;
    if (field->token != TOKEN_METHOD) continue;
    asked.head = span_is(field->value, "HEAD");
    asked.connect = span_is(field->value, "CONNECT");
  }
  return asked;
}

/* The bound on the encoded fields counts their strings, too. */
static size_t list_bytes_of(const struct h2_set_note *note, const struct header_set *set) {
  enum { MORE = HEADER_OVERHEAD_BYTES - HPACK_ENCODE_FIELD_BYTES_MAX }; /* derived from both */
  size_t bytes = note->bound_bytes + (size_t)MORE * set->count - HPACK_ENCODE_BLOCK_BYTES_MAX;
  return note->varies ? bytes + h2_section_varied_bytes(set) : bytes;
}

/* Promises are allowed for the request's origin. */
static void note_origin(struct h2_stream *stream, const struct header *fields, size_t count) {
  struct span scheme = {0}, authority = {0}, host = {0};
  for (size_t i = 0; i < count; i++) {
    if (fields[i].token == TOKEN_SCHEME) scheme = fields[i].value;
    if (fields[i].token == TOKEN_AUTHORITY) authority = fields[i].value;
    if (fields[i].token == TOKEN_HOST) host = fields[i].value;
  }
  h2_origin_note(stream, scheme, authority.len ? authority : host);
}

/* Opens a stream for a request, which takes the body. NULL when it cannot be made now. */
__attribute__((always_inline)) static inline struct h2_stream *begin(struct h2 *h2, bool allowed,
                                                                     struct body body) {
  assert(h2->role == H2_CLIENT);
  h2_call_in(h2);
  allowed = allowed && h2_request_room(h2) > 0;
  struct h2_stream *stream = allowed ? h2_stream_open(h2, h2->own_id_next) : NULL;
  if (!stream) {
    contract_drop(body);
    return NULL;
  }
  h2->own_id_next += 2;
  stream->body = body;
  if (body.ops) h2_queue_take_part(stream);
  stream->final_queued = true;
  return stream;
}

/* `told`: the host knows that there is something to send, and has not taken all of it yet. */
static struct stream *complete(struct h2_stream *stream, bool queued, bool told,
                               const struct stream_events *events, void *user) {
  struct h2 *h2 = stream->h2;
  if (!queued) {
    h2_stream_abort(h2, stream, H2_INTERNAL_ERROR);
    return NULL;
  }
  stream->base.events = events;
  stream->base.user = user;
  if (!told) h2_wake(h2);
  return &stream->base;
}

struct stream *h2_request(struct h2 *h2, const struct header *fields, size_t count,
                          struct body body, const struct stream_events *events, void *user) {
  const struct asked asked = asked_by(fields, count);
  bool allowed = is_allowed(h2, asked.list_bytes, asked.protocol);
  struct h2_stream *stream = begin(h2, allowed, body);
  if (!stream) return NULL;
  stream->head_request = asked.head;
  stream->connect = asked.connect;
  if (h2->ours.enable_push) note_origin(stream, fields, count);
  const struct h2_section_plan plan = {
      .fields = fields, .count = count, .type = H2_HEADERS, .end_stream = !body.ops};
  return complete(stream, h2_queue_section(stream, &plan), false, events, user);
}

/* What varies has to be copied. */
static bool queue_set(struct h2_stream *stream, struct header_set *set, bool varies) {
  const struct h2_section_plan plan = {
      .fields = set->at, .count = set->count, .type = H2_HEADERS, .end_stream = !stream->body.ops};
  return varies ? h2_queue_section(stream, &plan) : h2_queue_set(stream, 0, set, plan.end_stream);
}

struct stream *h2_request_set(struct h2 *h2, struct header_set *set, struct body body,
                              const struct stream_events *events, void *user) {
  const struct h2_set_note note = h2_section_note(h2, set);
  bool allowed = is_allowed(h2, list_bytes_of(&note, set), note.asks_protocol);
  const bool told = h2->out.count > 0;
  struct h2_stream *stream = begin(h2, allowed, body);
  if (!stream) return NULL;
  stream->head_request = note.asks_head;
  stream->connect = note.asks_connect;
  if (h2->ours.enable_push) note_origin(stream, set->at, set->count);
  bool queued = h2_send_request(h2, stream, set) || queue_set(stream, set, note.varies);
  return complete(stream, queued, told, events, user);
}

void h2_request_depend(struct stream *base, struct h2_dependency dependency) {
  struct h2_stream *stream = (struct h2_stream *)(void *)base;
  struct h2_section *request = stream->sections;
  assert(stream->h2->role == H2_CLIENT);
  if (stream->announced || !request)
    return; /* it has left; only a PRIORITY frame could say it now */
  request->has_dependency = true;
  request->dependency = dependency;
}
