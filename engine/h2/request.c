/*
 * h2/request.c - see h2/request.h.
 */
#include "engine/h2/request.h"

#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/life.h"
#include "engine/h2/origin.h"
#include "engine/h2/queue.h"
#include "engine/http/contract.h"

#include <assert.h>

uint32_t h2_request_room(const struct h2 *h2) {
  uint32_t limit = h2->theirs.max_concurrent_streams;
  bool closing = h2->dead || h2->lost || h2->eof || h2->draining || h2->goaway_received;
  if (closing || h2->own_id_next > H2_STREAM_ID_MAX || h2->active_own >= limit) return 0;
  uint32_t ids = (H2_STREAM_ID_MAX - h2->own_id_next) / 2 + 1;
  return limit - h2->active_own < ids ? limit - h2->active_own : ids;
}

/* What the server's SETTINGS forbid: a header section above its limit, which it would refuse (RFC
 * 9113 section 6.5.2), and extended CONNECT that it has not offered (RFC 8441 section 4). */
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
  if (h2->ours.enable_push) h2_origin_note(stream, scheme, authority.len ? authority : host);
}

struct stream *h2_request(struct h2 *h2, const struct header *fields, size_t count,
                          struct body body, const struct stream_events *events, void *user) {
  assert(h2->role == H2_CLIENT);
  h2_call_in(h2);
  bool allowed = h2_request_room(h2) > 0 && request_allowed(h2, fields, count);
  struct h2_stream *stream = allowed ? h2_stream_open(h2, h2->own_id_next) : NULL;
  if (!stream) {
    contract_drop(body);
    return NULL;
  }
  h2->own_id_next += 2;
  stream->body = body;
  stream->final_queued = true;
  note_request(stream, fields, count);
  const struct h2_section_plan plan = {
      .fields = fields, .count = count, .type = H2_HEADERS, .end_stream = !body.ops};
  if (!h2_queue_section(stream, &plan)) {
    h2_stream_abort(h2, stream, H2_INTERNAL_ERROR);
    return NULL;
  }
  stream->base.events = events;
  stream->base.user = user;
  h2_wake(h2);
  return &stream->base;
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
