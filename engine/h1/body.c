/*
 * h1/body.c - see h1/body.h.
 */
#include "engine/h1/body.h"

#include "engine/h1/ask.h"
#include "engine/h1/client.h"
#include "engine/h1/fault.h"
#include "engine/h1/life.h"

/* ---- how much -------------------------------------------------------------------------------- */

static bool is_bounded(const struct h1_stream *stream) {
  enum stream_flow flow = stream->base.flow;
  if (flow == FLOW_DEFAULT) flow = stream->h1->shared->config.flow;
  return flow == FLOW_CONSUME || flow == FLOW_AUTO;
}

uint64_t h1_body_room(const struct h1_stream *stream) {
  if (!h1_stream_is_heard(stream)) return UINT64_MAX;
  const uint64_t window = stream->h1->shared->config.window_bytes;
  const uint64_t received = (uint64_t)stream->body_received;
  uint64_t room = UINT64_MAX;
  if (is_bounded(stream)) room = window > stream->held_bytes ? window - stream->held_bytes : 0;
  if (stream->cap_bytes == STREAM_UNCAPPED) return room;
  uint64_t below = stream->cap_bytes > received ? stream->cap_bytes - received : 0;
  return below < room ? below : room;
}

bool h1_body_begin(struct h1_stream *stream, enum h1_phase phase) {
  struct h1 *h1 = stream->h1;
  struct h1_shared *shared = h1->shared;
  const struct h1_config *config = &shared->config;
  if ((shared->uploads + 1) * config->window_bytes > config->window_budget_bytes) return false;
  shared->uploads++;
  stream->counted = true;
  stream->end_received = false;
  h1->reading = stream;
  h1->phase = (uint8_t)phase;
  h1->tick_ns = h1->now_ns + PEER_TICK_NS;
  if (phase == H1_READ_CHUNKED) h1_chunked_begin(&stream->decoder);
  return true;
}

/* ---- to the handler -------------------------------------------------------------------------- */

/* A request that was answered goes on for too long: nothing tells the client so but the end. */
static void hush(struct h1 *h1) {
  counter_add(&h1->shared->counters.hushed, 1);
  h1_close(h1, H1_NO_ERROR);
}

static void deliver(struct h1_stream *stream, struct span bytes, bool end) {
  const struct stream_events *events = stream->base.events;
  if (!h1_stream_is_heard(stream) || !events || !events->data || (!bytes.len && !end)) return;
  if (stream->base.consume_later) stream->held_bytes += bytes.len;
  events->data(&stream->base, bytes, end);
}

static void received(struct h1_stream *stream, struct span bytes) {
  struct h1 *h1 = stream->h1;
  stream->body_received += (int64_t)bytes.len;
  stream->heard_ns = h1->now_ns;
  counter_add(&h1->http->counters.body_bytes_received, bytes.len);
}

/* The request is complete. What follows is the next, unless the connection ends. */
static void complete(struct h1_stream *stream) {
  struct h1 *h1 = stream->h1;
  h1_stream_end_received(stream);
  h1->phase = stream->keep ? H1_READ_HEAD : H1_READ_DISCARD;
}

/* The server will not look at requests that are behind the last one that it answers. */
static void end_exchange(struct h1_stream *stream) {
  struct h1 *h1 = stream->h1;
  bool more = !h1->draining || stream->next;
  bool keep = stream->keep && stream->sent && more && !h1->eof;
  h1->closing = !keep;
  h1->phase = keep ? H1_READ_HEAD : H1_READ_DISCARD;
  if (!keep) h1_client_end(h1, H1_END_DONE, NULL);
  h1_stream_tell(stream, H1_NO_ERROR);
  if (h1->first == stream) h1_stream_remove_first(h1);
  if (!keep && h1->first) h1_close(h1, H1_REFUSED_STREAM);
  bool ready = keep && h1->client && h1->client->ready && h1_request_room(h1) > 0;
  if (ready) h1->client->ready(h1->client_ctx, h1);
}

void h1_body_settle(struct h1_stream *stream) {
  bool over = stream->end_received && (stream->sent || !stream->tunnel);
  if (over && !stream->told && stream->h1->first == stream) end_exchange(stream);
}

/* After the handler has heard of its end. */
static void settle(struct h1_stream *stream) {
  struct h1 *h1 = stream->h1;
  if (h1->role == H1_CLIENT) {
    h1_body_settle(stream);
    return;
  }
  if (h1->first == stream && stream->sent && stream->end_received) h1_stream_remove_first(h1);
}

static bool lingers_too_long(const struct h1_stream *stream) {
  return !h1_is_client(stream) && stream->sent &&
         (uint64_t)stream->body_received > stream->linger_bytes;
}

void h1_body_end(struct h1_stream *stream, const struct headers *trailers) {
  const struct stream_events *events = stream->base.events;
  bool heard = h1_stream_is_heard(stream);
  complete(stream);
  if (trailers && trailers->count && heard && events && events->trailers)
    events->trailers(&stream->base, trailers);
  else
    deliver(stream, (struct span){0}, true);
  settle(stream);
}

/* ---- from the wire --------------------------------------------------------------------------- */

size_t h1_body_take_length(struct h1 *h1, struct span in) {
  struct h1_stream *stream = h1->reading;
  uint64_t left = (uint64_t)(stream->content_length - stream->body_received);
  size_t take = h1_min(in.len, h1_min(left, h1_body_room(stream)));
  struct span bytes = span_of(in.base, take);
  received(stream, bytes);
  if (take == left) complete(stream);
  deliver(stream, bytes, take == left);
  if (stream->gone) return take;
  if (lingers_too_long(stream))
    hush(h1);
  else
    settle(stream);
  return take;
}

static void refuse(struct h1_stream *stream) {
  struct h1 *h1 = stream->h1;
  counter_add(&h1->shared->counters.refused_syntax, 1);
  if (h1->role == H1_CLIENT)
    h1_fault_server(h1, stream->decoder.reason);
  else if (stream->sent)
    h1_close(h1, H1_PROTOCOL_ERROR);
  else
    h1_fault_abort(stream, 400, H1_PROTOCOL_ERROR);
}

/* Acts on one step of the decoder. False: the next bytes are not for it. */
static bool chunked_step(struct h1_stream *stream, enum h1_chunked_result result,
                         struct span data) {
  struct h1 *h1 = stream->h1;
  switch (result) {
  case H1_CHUNKED_MORE: return false;
  case H1_CHUNKED_END: h1_body_end(stream, NULL); return false;
  case H1_CHUNKED_TRAILERS: h1->phase = H1_READ_TRAILERS; return false;
  case H1_CHUNKED_REFUSED: refuse(stream); return false;
  case H1_CHUNKED_DATA: break;
  }
  received(stream, data);
  deliver(stream, data, false);
  if (!stream->gone && lingers_too_long(stream)) hush(h1);
  return !stream->gone && h1->reading == stream;
}

/* Without room for data only what is between the data is read: the end of the body may come. */
static size_t bytes_to_read(const struct h1_stream *stream, size_t len) {
  uint64_t room = h1_body_room(stream);
  if (room == 0) return !h1_chunked_in_data(&stream->decoder);
  return h1_min(len, room);
}

/* Data is at most as long as what the decoder is given. */
size_t h1_body_take_chunked(struct h1 *h1, struct span in) {
  struct h1_stream *stream = h1->reading;
  struct span rest = span_of(in.base, bytes_to_read(stream, in.len));
  const uint8_t *begin = rest.base;
  bool more = true;
  while (more) {
    struct span data = {0};
    const uint64_t chunks = stream->decoder.chunks;
    enum h1_chunked_result result = h1_chunked_read(&stream->decoder, &rest, &data);
    const uint64_t size = stream->decoder.left + data.len; /* of a chunk that has just begun */
    if (stream->decoder.chunks != chunks && !h1_fault_charge_chunk(stream, size)) break;
    more = chunked_step(stream, result, data) && h1_body_room(stream) >= rest.len;
  }
  return (size_t)(rest.base - begin);
}

size_t h1_body_take_all(struct h1 *h1, struct span in) {
  struct h1_stream *stream = h1->reading;
  struct span bytes = span_of(in.base, h1_min(in.len, h1_body_room(stream)));
  received(stream, bytes);
  deliver(stream, bytes, false);
  return bytes.len;
}

/* ---- the client's end ------------------------------------------------------------------------ */

void h1_body_eof(struct h1 *h1) {
  struct h1_stream *stream = h1->reading;
  if (!stream) return;
  if (stream->tunnel) {
    complete(stream);
    deliver(stream, (struct span){0}, true);
    if (stream->sent && h1->role == H1_SERVER) h1_close(h1, H1_NO_ERROR);
    return;
  }
  h1_close(h1, H1_CONNECT_ERROR); /* the answer would be to a request that never was */
}
