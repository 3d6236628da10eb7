/*
 * h2/data.c - see h2/data.h.
 */
#include "engine/h2/data.h"

#include "engine/h2/connection.h"
#include "engine/h2/fault.h"
#include "engine/h2/flow.h"
#include "engine/h2/ids.h"
#include "engine/h2/kept.h"
#include "engine/h2/life.h"
#include "engine/h2/reader.h"

/* ---- frames that pass in spans --------------------------------------------------------------- */

/* The stream that gets the payload of a DATA frame; NULL if none does, which may be an error or
 * not. */
static struct h2_stream *receiver(struct h2 *h2, const struct h2_frame_header *frame) {
  uint32_t id = frame->stream_id;
  struct h2_verdict verdict = h2_stream_receive(h2_state_of(h2, id), H2_DATA);
  struct h2_stream *stream = h2_find(h2, id);
  if (verdict.scope == H2_ACCEPT && stream) {
    /* The stream's window comes last: when the stream ends, what it holds is returned to the
     * connection. */
    if (h2->role == H2_CLIENT && !stream->final_received)
      verdict = h2_stream_error(H2_PROTOCOL_ERROR, "DATA before the final response");
    else if (!window_credit_arrive(&stream->credit, frame->length))
      verdict = h2_stream_error(H2_FLOW_CONTROL_ERROR, "more than the stream's window");
  }
  if (verdict.scope == H2_ACCEPT) return stream;
  if (verdict.scope == H2_IGNORE) h2_note_late(h2);
  h2_act(h2, id, verdict);
  return NULL;
}

/* A DATA frame without data costs the peer nine bytes, and us a turn (CVE-2019-9518). */
static void note_empty_data(struct h2 *h2, uint32_t data_bytes) {
  if (data_bytes > 0 || h2->reader.frame.flags & H2_FLAG_END_STREAM)
    h2->empty_data = 0;
  else if (++h2->empty_data > PEER_EMPTY_DATA_FREE)
    h2_note_glitch(h2, &h2->shared->counters.glitches_data);
}

/* Whether the data agrees with content-length (section 8.1.1), which is known before the first byte
 * is passed on. */
static bool fits(const struct h2_stream *stream, uint32_t data_bytes, bool end) {
  bool bodiless = stream->h2->role == H2_CLIENT && stream->head_request;
  if (bodiless && data_bytes > 0) return false;
  if (stream->content_length < 0) return true;
  int64_t left = stream->content_length - stream->body_received;
  return end ? data_bytes == left : data_bytes <= left;
}

/* The payload is `data_bytes` of data, then `padding`. */
static void sized(struct h2 *h2, uint32_t data_bytes, uint32_t padding) {
  struct h2_reader *reader = &h2->reader;
  reader->padding = padding;
  if (reader->data)
    h2_reader_enter(reader, H2_READ_DATA, data_bytes);
  else
    h2_reader_enter(reader, H2_READ_SKIP, data_bytes + padding);
  note_empty_data(h2, data_bytes);
  bool end = reader->frame.flags & H2_FLAG_END_STREAM;
  if (h2->dead || !reader->data || fits(reader->data, data_bytes, end)) return;
  h2_act(h2, reader->frame.stream_id,
         h2_stream_error(H2_PROTOCOL_ERROR, "DATA does not add up to content-length"));
}

/* DATA is charged to the windows only here: its whole payload, with padding, even if it is skipped
 * (section 6.9). */
void h2_data_begin(struct h2 *h2) {
  struct h2_reader *reader = &h2->reader;
  const struct h2_frame_header *frame = &reader->frame;
  if (!window_credit_arrive(&h2->credit, frame->length)) {
    h2_fail(h2, H2_FLOW_CONTROL_ERROR, "more than the connection's window");
    return;
  }
  bool padded = frame->flags & H2_FLAG_PADDED;
  if (padded && frame->length == 0) {
    h2_fail(h2, H2_FRAME_SIZE_ERROR, "padded frame has no Pad Length");
    return;
  }
  reader->data = receiver(h2, frame);
  if (h2->dead) return;
  if (!reader->data) window_credit_consume(&h2->credit, frame->length);
  h2_flow_arrived(h2, reader->data, frame->length);
  if (padded)
    h2_reader_enter(reader, H2_READ_PADLEN, frame->length);
  else
    sized(h2, frame->length, 0);
}

size_t h2_data_padlen(struct h2 *h2, struct span in) {
  const uint8_t padding = in.base[0];
  struct h2_reader *reader = &h2->reader;
  if (padding > reader->left - 1) {
    h2_fail(h2, H2_PROTOCOL_ERROR, "padding is longer than the payload");
    return 1;
  }
  if (reader->data) h2_flow_consumed(h2, reader->data, 1u + padding);
  sized(h2, reader->left - 1 - padding, padding);
  return 1;
}

static void deliver(struct h2_stream *stream, struct span bytes, bool end) {
  const struct stream_events *events = stream->base.events;
  if (events && events->data && (bytes.len || end)) events->data(&stream->base, bytes, end);
}

static void keep(struct h2 *h2, struct h2_stream *stream, struct span bytes, bool end) {
  if (!h2_kept_add(h2, stream, bytes, end)) h2_stream_abort(h2, stream, H2_INTERNAL_ERROR);
}

/* Passes a span of data on; `end`: it is the last of the peer's message. Inlined for frames that are there as a
 * whole, which most are. */
__attribute__((always_inline)) static inline void pass_on(struct h2 *h2, struct h2_stream *stream,
                                                          struct span bytes, bool end) {
  stream->body_received += (int64_t)bytes.len;
  stream->body_seen_ns = bytes.len ? h2->now_ns : stream->body_seen_ns;
  counter_add(&h2->http->counters.body_bytes_received, bytes.len);
  if (end && !h2_stream_end_received(h2, stream)) return;
  bool heard = h2_stream_is_heard(stream);
  if (stream->asks) {
    keep(h2, stream, bytes, end);
    return;
  }
  if (heard) deliver(stream, bytes, end);
  if (stream->gone) return;
  bool used = !(heard && stream->base.consume_later);
  if (used && stream->state == H2_CLOSED)
    h2_flow_ended(h2, stream, (uint32_t)bytes.len);
  else if (used)
    h2_flow_consumed(h2, stream, (uint32_t)bytes.len);
  /* A client that stopped an upload in the middle, because it was answered, may be waiting: curl sees
   * the end of its own request only when a frame arrives. */
  if (stream->state == H2_CLOSED) h2->flow.hurries |= stream->lingers;
  if (stream->state == H2_CLOSED)
    h2_stream_finish(h2, stream, H2_NO_ERROR);
  else if (stream->lingers && stream->body_received > stream->linger_bytes)
    h2_stream_hush(h2, stream);
}

size_t h2_data_take(struct h2 *h2, struct span in) {
  struct h2_reader *reader = &h2->reader;
  size_t take = h2_min(in.len, reader->left);
  bool last = take == reader->left;
  bool end = last && reader->frame.flags & H2_FLAG_END_STREAM;
  reader->left -= (uint32_t)take;
  pass_on(h2, reader->data, span_of(in.base, take), end);
  if (h2->dead || !last) return take;
  reader->data = NULL; /* the padding is skipped, whatever becomes of the stream */
  h2_reader_enter(reader, H2_READ_SKIP, reader->padding);
  return take;
}

/* ---- frames that are there as a whole -------------------------------------------------------- */

/* The stream that takes the frame as it is; NULL if there is none, or anything about the frame is out of
 * the ordinary. */
static struct h2_stream *receiver_of_whole(const struct h2 *h2, const struct h2_frame_header *frame,
                                           bool end) {
  bool plain = (frame->flags & ~H2_FLAG_END_STREAM) == 0 && (end || frame->length > 0);
  if (!plain || frame->length > h2->ours.max_frame_size) return NULL;
  struct h2_stream *stream = h2->recent;
  if (!stream || stream->id != frame->stream_id) stream = h2_find(h2, frame->stream_id);
  if (!stream || !stream->final_received || stream->asks) return NULL;
  bool granted = frame->length <= h2->credit.granted && frame->length <= stream->credit.granted;
  return h2_stream_may_receive(stream) && granted && fits(stream, frame->length, end) ? stream
                                                                                      : NULL;
}

bool h2_data_whole(struct h2 *h2, const struct h2_frame_header *frame, struct span bytes) {
  bool end = frame->flags & H2_FLAG_END_STREAM;
  if (h2->block.kind != H2_BLOCK_NONE) return false;
  struct h2_stream *stream = receiver_of_whole(h2, frame, end);
  if (!stream) return false;
  window_credit_overrun(&h2->credit, frame->length); /* which it is not: see above */
  window_credit_overrun(&stream->credit, frame->length);
  h2_flow_arrived(h2, stream, frame->length);
  h2->empty_data = 0;
  if (end)
    h2->recent = stream->prev; /* bodies of one frame mostly come in the order of their requests */
  pass_on(h2, stream, bytes, end);
  return true;
}
