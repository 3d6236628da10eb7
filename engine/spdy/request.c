/*
 * spdy/request.c - see spdy/request.h.
 */
#include "engine/spdy/request.h"

#include "engine/http/contract.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/life.h"
#include "engine/spdy/message.h"
#include "engine/spdy/queue.h"
#include "engine/spdy/ready.h"

#include <assert.h>

uint32_t spdy_request_room(const struct spdy *spdy) {
  uint32_t limit = spdy->their_streams_max;
  bool closing =
      spdy->dead || spdy->lost || spdy->eof || spdy->goaway_sent || spdy->goaway_received;
  if (closing || spdy->own_id_next > SPDY_STREAM_ID_MAX || spdy->active_own >= limit) return 0;
  uint32_t ids = (SPDY_STREAM_ID_MAX - spdy->own_id_next) / 2 + 1;
  return (uint32_t)spdy_min(limit - spdy->active_own, ids);
}

/* SPDY's priorities are the urgencies of RFC 9218, in the same order. */
static uint8_t priority_of(const struct header *fields, size_t count) {
  struct priority_field field = PRIORITY_FIELD_NONE;
  for (size_t i = 0; i < count; i++)
    if (header_token_by_name(&fields[i]) == TOKEN_PRIORITY)
      priority_field_parse(&field, fields[i].value);
  return field.urgency;
}

static void note_request(struct spdy_stream *stream, const struct header *fields, size_t count) {
  struct spdy *spdy = stream->spdy;
  struct span scheme = {0}, authority = {0};
  for (size_t i = 0; i < count; i++) {
    struct span value = fields[i].value;
    switch (header_token_by_name(&fields[i])) {
    case TOKEN_METHOD: stream->head_request = span_is(value, "HEAD"); break;
    case TOKEN_SCHEME: scheme = value; break;
    case TOKEN_AUTHORITY: authority = value; break;
    default: break;
    }
  }
  if (spdy->shared->config.push)
    stream->origin = origin_take(&spdy->origins, spdy->http->memory, scheme, authority);
}

/* False when it is too large, or memory was refused. */
__attribute__((warn_unused_result)) static bool
queue_request(struct spdy_stream *stream, const struct header *fields, size_t count, bool fin) {
  struct header sent[SPDY_SEND_FIELDS_MAX + 1];
  struct spdy_plan plan = {.type = SPDY_SYN_STREAM,
                           .flags = fin ? SPDY_FLAG_FIN : 0,
                           .priority = stream->node.urgency,
                           .fields = fields,
                           .count = count};
  if (count > SPDY_SEND_FIELDS_MAX) return false;
  if (!stream->spdy->session.raw) {
    note_request(stream, fields, count);
    plan.count = spdy_message_put_request(fields, count, sent);
    plan.fields = sent;
  }
  return spdy_queue_block(stream, &plan);
}

static struct spdy_stream *open_stream(struct spdy *spdy, const struct header *fields,
                                       size_t count) {
  if (spdy_request_room(spdy) == 0) {
    spdy->room_wanted = true;
    return NULL;
  }
  struct spdy_stream *stream =
      spdy_stream_open(spdy, spdy->own_id_next, priority_of(fields, count));
  if (stream) spdy->own_id_next += 2;
  return stream;
}

/* The identifier of a request that could not be sent is skipped. */
struct stream *spdy_request(struct spdy *spdy, const struct header *fields, size_t count,
                            struct body body, const struct stream_events *events, void *user) {
  assert(!spdy->server);
  spdy_call_in(spdy);
  struct spdy_stream *stream = open_stream(spdy, fields, count);
  if (!stream) {
    contract_drop(body);
    return NULL;
  }
  stream->final_queued = true;
  stream->tunnel = spdy->session.raw;
  stream->body = body;
  if (!queue_request(stream, fields, count, !body.ops)) {
    spdy_stream_finish(spdy, stream, SPDY_RESET_LOCAL, SPDY_INTERNAL_ERROR);
    spdy_wake(spdy);
    return NULL;
  }
  stream->base.events = events;
  stream->base.user = user;
  if (body.ops) {
    spdy_ready_update(stream);
    spdy_ready_probe_if_blocked(stream);
  } else {
    spdy_stream_fin(spdy, stream);
  }
  spdy_wake(spdy);
  return &stream->base;
}
