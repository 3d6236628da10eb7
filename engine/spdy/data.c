/*
 * spdy/data.c - see spdy/data.h.
 */
#include "engine/spdy/data.h"

#include "engine/spdy/connection.h"
#include "engine/spdy/fault.h"
#include "engine/spdy/flow.h"
#include "engine/spdy/ids.h"
#include "engine/spdy/life.h"

/* ---- the frame ------------------------------------------------------------------------------- */

/* A DATA frame without data costs the peer eight bytes, and us a turn (CVE-2019-9518). */
static void note_empty(struct spdy *spdy, const struct spdy_frame_header *header) {
  if (header->length > 0 || header->flags & SPDY_FLAG_FIN)
    spdy->empty_data = 0;
  else if (++spdy->empty_data > PEER_EMPTY_DATA_FREE)
    spdy_note_glitch(spdy, &spdy->shared->counters.glitches_data);
}

/* Whether the data agrees with content-length, which is known before the first byte is passed on. */
static bool data_fits(const struct spdy_stream *stream, const struct spdy_frame_header *header) {
  if (!stream->spdy->server && stream->head_request && header->length > 0) return false;
  if (stream->content_length < 0) return true;
  int64_t left = stream->content_length - stream->body_received;
  return header->flags & SPDY_FLAG_FIN ? header->length == left : header->length <= left;
}

static struct spdy_verdict judge(const struct spdy *spdy, const struct spdy_stream *stream,
                                 const struct spdy_frame_header *header) {
  struct spdy_verdict verdict =
      spdy_stream_receive(spdy_state_of(spdy, header->stream_id), SPDY_DATA);
  if (verdict.scope == SPDY_ACCEPT && stream->awaits_response)
    return spdy_stream_error(SPDY_PROTOCOL_ERROR, "DATA before the response");
  struct spdy_verdict room = spdy_flow_check(spdy, stream, header->length);
  return room.scope == SPDY_ACCEPT || verdict.scope == SPDY_STREAM_ERROR ? verdict : room;
}

/* What was under way when the stream was reset is not the peer's fault, and reading it costs little. */
static void note_late(struct spdy *spdy, const struct spdy_frame_header *header) {
  if (header->length < PEER_DATA_BYTES_SMALL) spdy_note_late(spdy);
}

struct spdy_stream *spdy_data_begin(struct spdy *spdy, const struct spdy_frame_header *header) {
  struct spdy_stream *stream = spdy_find(spdy, header->stream_id);
  struct spdy_verdict verdict = judge(spdy, stream, header);
  note_empty(spdy, header);
  if (spdy->dead) return NULL;
  if (verdict.scope == SPDY_ACCEPT && data_fits(stream, header)) return stream;
  if (verdict.scope == SPDY_ACCEPT)
    spdy_fail_body(spdy, stream);
  else if (verdict.scope == SPDY_IGNORE)
    note_late(spdy, header);
  else
    spdy_act(spdy, header->stream_id, verdict);
  return NULL;
}

/* ---- its bytes ------------------------------------------------------------------------------- */

static void tell(struct spdy_stream *stream, struct span bytes, bool end) {
  const struct stream_events *events = stream->base.events;
  if (events && events->data && (bytes.len || end)) events->data(&stream->base, bytes, end);
}

static void drop(struct spdy *spdy, struct span bytes) {
  spdy_flow_arrived(spdy, NULL, (uint32_t)bytes.len);
  counter_add(&spdy->shared->counters.dropped_bytes, bytes.len);
}

static void keep(struct spdy *spdy, struct spdy_stream *stream, struct span bytes, bool end) {
  if (!kept_add(spdy->http->memory, &stream->kept, bytes, end))
    spdy_stream_abort(spdy, stream, SPDY_INTERNAL_ERROR);
}

void spdy_data_bytes(struct spdy *spdy, struct spdy_stream *stream, struct span bytes, bool fin) {
  if (!stream) {
    drop(spdy, bytes);
    return;
  }
  spdy_flow_arrived(spdy, stream, (uint32_t)bytes.len);
  stream->body_received += (int64_t)bytes.len;
  stream->body_seen_ns = bytes.len ? spdy->now_ns : stream->body_seen_ns;
  counter_add(&spdy->http->counters.body_bytes_received, bytes.len);
  if (fin && !spdy_end_received(spdy, stream)) return;
  if (stream->asks) {
    keep(spdy, stream, bytes, fin);
    return;
  }
  bool heard = spdy_stream_is_heard(stream);
  if (heard) tell(stream, bytes, fin);
  if (stream->gone) return;
  if (!(heard && stream->base.consume_later)) spdy_flow_consumed(stream, (uint32_t)bytes.len);
  if (stream->state == SPDY_CLOSED)
    spdy_stream_finish(spdy, stream, SPDY_CLOSED, 0);
  else if (stream->lingers && stream->body_received > stream->linger_bytes)
    spdy_stream_hush(spdy, stream);
}
