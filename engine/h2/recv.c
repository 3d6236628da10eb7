/*
 * h2/recv.c - received bytes become frames, and frames have effects.
 *
 * Control frames and header blocks are handled as a whole: in place if all their bytes are there,
 * else in a buffer that several receives fill. DATA passes through in spans: h2/data.h. All bytes are
 * consumed, except that reading stops while our replies pile up, and pauses when a budget is used up
 * (h2/pause.h).
 *
 * The frames of an ordinary request or response are taken in a step each, if all their bytes are there:
 * whole_take(). That way handles no errors of frames and nothing rare; such frames go the general way.
 */
#include "engine/h2/recv.h"

#include "engine/h2/block.h"
#include "engine/h2/brief.h"
#include "engine/h2/client.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/data.h"
#include "engine/h2/fault.h"
#include "engine/h2/flow.h"
#include "engine/h2/ids.h"
#include "engine/h2/life.h"
#include "engine/h2/priority.h"
#include "engine/h2/queue.h"
#include "engine/h2/reader.h"
#include "engine/h2/recv_settings.h"

#include <assert.h>
#include <string.h>

/* ---- the other frames ------------------------------------------------------------------------ */

static void on_continuation(struct h2 *h2, const struct h2_frame *frame) {
  h2_act(h2, frame->header.stream_id, h2_block_continue(h2, frame));
}

/* Priority signals cost something only if there are too many. */
static bool priority_affordable(struct h2 *h2) {
  if (h2->priorities_free == 0)
    return h2_charge_glitch(h2, &h2->shared->counters.glitches_priorities);
  h2->priorities_free--;
  return true;
}

static void finish_priority(struct h2 *h2, uint32_t id, struct h2_verdict verdict) {
  if (verdict.scope == H2_IGNORE)
    h2_note_glitch(h2,
                   &h2->shared->counters.glitches_priorities); /* more than the streams can use */
  else
    h2_act(h2, id, verdict);
}

static void on_priority(struct h2 *h2, const struct h2_frame *frame) {
  if (!priority_affordable(h2)) return;
  uint32_t id = frame->header.stream_id;
  h2_brief_join(h2);
  finish_priority(h2, id, h2_priority_depend(h2, id, &frame->priority));
}

/* What an RST_STREAM means to the application. With NO_ERROR a server that has answered says that
 * it does not want the rest of the request (section 8.1), which is no error. But a message that it
 * cuts short must not look complete. */
static uint32_t reset_code(const struct h2_stream *stream, uint32_t code) {
  bool answered = stream->h2->role == H2_CLIENT && stream->end_received && !stream->connect;
  return code == H2_NO_ERROR && !answered ? H2_CANCEL : code;
}

/* On a stream that has ended it does not come here: check_state(). */
static void on_rst_stream(struct h2 *h2, const struct h2_frame *frame) {
  struct h2_stream *stream = h2_find(h2, frame->header.stream_id);
  assert(stream);
  counter_add(&h2->shared->counters.resets_received, 1);
  bool answered = stream->lingers; /* the client stops an upload, which wastes no work of ours */
  h2->reset_code = frame->error_code;
  h2_stream_event(stream, H2_RECV_RST_STREAM);
  h2_stream_finish(h2, stream, reset_code(stream, frame->error_code));
  if (h2->role == H2_SERVER && !answered) h2_note_reset(h2);
}

static void on_ping(struct h2 *h2, const struct h2_frame *frame) {
  if (frame->header.flags & H2_FLAG_ACK) {
    if (h2_flow_ping_acked(h2, frame->ping)) return;
    if (h2->draining && !h2->drain_final && h2->drain_ns) h2->drain_ns = h2->now_ns;
    if (h2->client && h2->client->ping_acked)
      h2->client->ping_acked(h2->client_ctx, h2, frame->ping);
    return;
  }
  uint64_t *calmed = &h2->shared->counters.calmed_pings;
  counter_add(&h2->shared->counters.charged_pings, 1);
  if (!h2_charge_frame(h2, 1, &h2->pings, calmed, "too many PING frames")) return;
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 8);
  if (room) h2_control_sent(h2, h2_frame_ping_encode(room, true, frame->ping));
}

/* Section 6.8: the peer does not handle our streams above its last one, including those that wait
 * to be sent. */
static bool refuse_above_last(struct h2 *h2, struct h2_stream *stream) {
  if (!h2_is_own_id(h2, stream->id) || stream->id <= h2->goaway_last_id) return false;
  h2_stream_cut(stream, H2_RECV_RST_STREAM);
  h2_stream_finish(h2, stream, H2_REFUSED_STREAM);
  return true;
}

static void on_goaway(struct h2 *h2, const struct h2_frame *frame) {
  counter_add(&h2->shared->counters.goaways_received, 1);
  if (h2->goaway_received && !h2_charge_glitch(h2, &h2->shared->counters.glitches_goaways)) return;
  uint32_t last_id = frame->goaway.last_stream_id;
  if (!h2->goaway_received || last_id < h2->goaway_last_id) h2->goaway_last_id = last_id;
  h2->goaway_received = true;
  h2->goaway_code = frame->goaway.error_code;
  if (h2->client && h2->client->goaway)
    h2->client->goaway(h2->client_ctx, h2, last_id, frame->goaway.error_code, frame->goaway.debug);
  h2_stream_each(h2, refuse_above_last);
}

/* Credit granted byte by byte makes us work for nothing (CVE-2019-9511), so the peer may send as
 * many WINDOW_UPDATE frames as our DATA allows. */
static bool update_affordable(struct h2 *h2) {
  struct h2_counters *counters = &h2->shared->counters;
  switch (merit_update(&h2->merit, h2->now_ns)) {
  case MERIT_UPDATE_UNPAID: return h2_charge_glitch(h2, &counters->glitches_updates);
  case MERIT_UPDATE_SLOW: pause_rest(&h2->pause, h2->now_ns, &counters->pauses); break;
  case MERIT_UPDATE_PAID: break;
  }
  return true;
}

/* The frame is legal, but its stream has ended. A WINDOW_UPDATE often crosses our END_STREAM; other
 * frames rarely do. */
static void note_useless(struct h2 *h2, uint8_t type) {
  bool alive = type == H2_WINDOW_UPDATE ? update_affordable(h2)
                                        : h2_charge_glitch(h2, &h2->shared->counters.glitches_late);
  (void)alive;
}

/* Its body may have been waiting for a larger window of the connection. */
static bool schedule_again(struct h2 *h2, struct h2_stream *stream) {
  (void)h2;
  if (stream->room_bytes > 0) h2_queue_schedule(stream);
  return false;
}

static void on_window_update(struct h2 *h2, const struct h2_frame *frame) {
  uint32_t id = frame->header.stream_id;
  if (!update_affordable(h2)) return;
  if (id == 0) {
    if (!window_add(&h2->window, frame->increment))
      h2_fail(h2, H2_FLOW_CONTROL_ERROR, "the connection's window overflows");
    else if (h2->room_waits > 0)
      h2_stream_each(h2, schedule_again);
    return;
  }
  struct h2_stream *stream = h2_find(h2, id);
  assert(stream); /* as for RST_STREAM */
  if (window_add(&stream->window, frame->increment))
    h2_queue_schedule(stream);
  else
    h2_act(h2, id, h2_stream_error(H2_FLOW_CONTROL_ERROR, "the stream's window overflows"));
}

static void on_priority_update(struct h2 *h2, const struct h2_frame *frame) {
  if (!priority_affordable(h2)) return;
  uint32_t id = frame->priority_update.stream_id;
  h2_brief_join(h2);
  finish_priority(h2, id, h2_priority_update(h2, id, frame->priority_update.field));
}

static void handle(struct h2 *h2, const struct h2_frame *frame) {
  typedef void handler_fn(struct h2 * h2, const struct h2_frame *frame);
  static handler_fn *const handlers[] = {
      [H2_PRIORITY] = on_priority,
      [H2_RST_STREAM] = on_rst_stream,
      [H2_SETTINGS] = h2_recv_settings,
      [H2_PING] = on_ping,
      [H2_GOAWAY] = on_goaway,
      [H2_WINDOW_UPDATE] = on_window_update,
      [H2_CONTINUATION] = on_continuation,
      [H2_PRIORITY_UPDATE] = on_priority_update,
  };
  handlers[frame->header.type](h2, frame);
}

/* Combines what decoding said with what the stream's state says. The state counts, but a connection
 * error stays one, and an increment of 0 is wrong for any stream. */
static struct h2_verdict check_state(const struct h2 *h2, const struct h2_frame_header *header,
                                     struct h2_verdict verdict) {
  bool of_stream = header->stream_id != 0 && header->type != H2_CONTINUATION;
  if (!of_stream || verdict.scope == H2_CONNECTION_ERROR) return verdict;
  struct h2_verdict fate = h2_stream_receive(h2_state_of(h2, header->stream_id), header->type);
  bool wrong_anyway = header->type == H2_WINDOW_UPDATE && verdict.scope == H2_STREAM_ERROR;
  if (fate.scope == H2_ACCEPT || (fate.scope == H2_IGNORE && wrong_anyway)) return verdict;
  return fate;
}

/* A frame whose payload is complete. */
static void frame_whole(struct h2 *h2, const uint8_t *payload) {
  const struct h2_frame_header header = h2->reader.frame;
  struct h2_frame frame;
  struct h2_verdict verdict = h2_frame_decode(&header, span_of(payload, header.length), &frame);
  verdict = check_state(h2, &header, verdict);
  bool has_block = header.type == H2_HEADERS || header.type == H2_PUSH_PROMISE;
  if (has_block && verdict.scope != H2_CONNECTION_ERROR)
    verdict = h2_block_begin(h2, &frame, verdict); /* the HPACK decoder needs every block */
  else if (verdict.scope == H2_ACCEPT)
    return handle(h2, &frame);
  else if (verdict.scope == H2_IGNORE)
    return note_useless(h2, header.type);
  h2_act(h2, header.stream_id, verdict);
}

/* ---- frames out of bytes --------------------------------------------------------------------- */

/* Whether this frame may come now. */
static struct h2_verdict check_sequence(const struct h2 *h2, const struct h2_frame_header *frame) {
  bool in_block = h2->block.kind != H2_BLOCK_NONE;
  bool continues = frame->type == H2_CONTINUATION;
  if (in_block && (!continues || frame->stream_id != h2->block.stream_id))
    return h2_connection_error(H2_PROTOCOL_ERROR, "header block is interrupted"); /* 4.3 */
  if (!in_block && continues)
    return h2_connection_error(H2_PROTOCOL_ERROR, "CONTINUATION without HEADERS"); /* 6.10 */
  if (!h2->settings_received && (frame->type != H2_SETTINGS || frame->flags & H2_FLAG_ACK))
    return h2_connection_error(H2_PROTOCOL_ERROR, "first frame is not SETTINGS"); /* 3.4 */
  return H2_OK;
}

static void frame_begin(struct h2 *h2) {
  struct h2_reader *reader = &h2->reader;
  reader->frame = h2_frame_header_decode(reader->header);
  const struct h2_frame_header *frame = &reader->frame;
  struct h2_verdict verdict = check_sequence(h2, frame);
  if (verdict.scope == H2_ACCEPT)
    verdict = h2_frame_check(frame, h2->role, h2->ours.max_frame_size);
  if (verdict.scope != H2_ACCEPT) {
    h2_act(h2, frame->stream_id, verdict);
    h2_reader_enter(reader, H2_READ_SKIP, frame->length);
    return;
  }
  if (frame->type == H2_DATA) {
    h2_data_begin(h2);
  } else if (!h2_frame_known(frame->type)) {
    h2_note_glitch(h2, &h2->shared->counters.glitches_unknown);
    h2_reader_enter(reader, H2_READ_SKIP, frame->length);
  } else if (frame->length > PEER_HEADER_BLOCK_BYTES_MAX) {
    h2_fail(h2, H2_ENHANCE_YOUR_CALM, "frame is larger than any we handle");
  } else {
    reader->payload_have = 0;
    h2_reader_enter(reader, H2_READ_PAYLOAD, frame->length);
  }
}

static size_t payload_take(struct h2 *h2, struct span in) {
  struct h2_reader *reader = &h2->reader;
  uint32_t length = reader->frame.length;
  if (reader->payload_have == 0 && in.len >= length) { /* no copy */
    h2_reader_next_frame(reader);
    frame_whole(h2, in.base);
    return length;
  }
  if (!reader->payload && !h2_reader_alloc(h2)) {
    h2_fail(h2, H2_INTERNAL_ERROR, "out of memory");
    return 0;
  }
  size_t take = h2_min(in.len, length - reader->payload_have);
  memcpy(reader->payload + reader->payload_have, in.base, take);
  reader->payload_have += (uint32_t)take;
  if (reader->payload_have == length) {
    h2_reader_next_frame(reader);
    frame_whole(h2, reader->payload);
    h2_reader_free(h2);
  }
  return take;
}

static size_t header_take(struct h2 *h2, struct span in) {
  struct h2_reader *reader = &h2->reader;
  size_t take = h2_min(in.len, H2_FRAME_HEADER_BYTES - reader->have);
  if (reader->have == 0) reader->begun_ns = h2->now_ns;
  memcpy(reader->header + reader->have, in.base, take);
  reader->have += (uint8_t)take;
  if (reader->have == H2_FRAME_HEADER_BYTES) frame_begin(h2);
  return take;
}

static size_t preface_take(struct h2 *h2, struct span in) {
  struct h2_reader *reader = &h2->reader;
  size_t take = h2_min(in.len, H2_PREFACE_BYTES - reader->have);
  if (memcmp(in.base, &H2_PREFACE[reader->have], take) != 0) {
    h2_fail(h2, H2_PROTOCOL_ERROR, "not an HTTP/2 preface");
    return take;
  }
  reader->have += (uint8_t)take;
  if (reader->have == H2_PREFACE_BYTES) h2_reader_next_frame(reader);
  return take;
}

static size_t skip_take(struct h2 *h2, struct span in) {
  struct h2_reader *reader = &h2->reader;
  size_t take = h2_min(in.len, reader->left);
  reader->left -= (uint32_t)take;
  if (reader->left == 0) h2_reader_next_frame(reader);
  return take;
}

/* Whether the phase is complete without another byte: an empty payload, no padding. */
static bool runs_empty(const struct h2_reader *reader) {
  switch (reader->phase) {
  case H2_READ_PAYLOAD: return reader->frame.length == 0;
  case H2_READ_DATA:
  case H2_READ_SKIP: return reader->left == 0;
  default: return false;
  }
}

bool h2_recv_wanted(const struct h2 *h2) {
  return !h2->dead && !h2->lost && !h2->eof && !h2->pause.on &&
         h2->control_used <= H2_CONTROL_BYTES - H2_CONTROL_BYTES / 4;
}

/* A server's turn in whole_take(): HEADERS that opens the next stream and holds nothing but its block. */
static bool request_take(struct h2 *h2, const struct h2_frame_header *frame, struct span payload) {
  enum { OTHERS = H2_FLAG_PADDED | H2_FLAG_PRIORITY };
  const uint32_t id = frame->stream_id;
  const bool plain = frame->type == H2_HEADERS && !(frame->flags & OTHERS) &&
                     (frame->flags & H2_FLAG_END_HEADERS) &&
                     frame->length <= h2_min(h2->ours.max_frame_size, PEER_HEADER_BLOCK_BYTES_MAX);
  const bool opens = id % 2 == 1 && id > h2->peer_id_max && h2->settings_received &&
                     !h2->drain_final && h2->block.kind == H2_BLOCK_NONE;
  if (!plain || !opens) return false;
  h2_act(h2, id, h2_block_request(h2, frame, payload));
  return true;
}

/* The first frame of `in`, if all of it is there and it is an ordinary part of a message: one step instead
 * of one for each phase. Returns its bytes; 0: it goes the general way. */
static size_t whole_take(struct h2 *h2, struct span in) {
  if (in.len < H2_FRAME_HEADER_BYTES) return 0;
  const struct h2_frame_header frame = h2_frame_header_decode(in.base);
  if (frame.length > in.len - H2_FRAME_HEADER_BYTES || frame.stream_id == 0) return 0;
  const struct span payload = span_of(in.base + H2_FRAME_HEADER_BYTES, frame.length);
  bool taken = false;
  if (h2->role == H2_SERVER)
    taken = request_take(h2, &frame, payload);
  else if (frame.type == H2_HEADERS)
    taken = h2_block_whole(h2, &frame, payload);
  else if (frame.type == H2_DATA)
    taken = h2_data_whole(h2, &frame, payload);
  return taken ? H2_FRAME_HEADER_BYTES + frame.length : 0;
}

/* All such frames that `in` begins with. Returns their bytes. */
static size_t wholes_take(struct h2 *h2, struct span in) {
  size_t done = 0, taken;
  do {
    taken = whole_take(h2, span_of(in.base + done, in.len - done));
    done += taken;
  } while (taken && h2_recv_wanted(h2));
  return done;
}

static size_t take(struct h2 *h2, struct span in) {
  typedef size_t take_fn(struct h2 * h2, struct span in);
  static take_fn *const takes[] = {
      [H2_READ_PREFACE] = preface_take, [H2_READ_HEADER] = header_take,
      [H2_READ_PAYLOAD] = payload_take, [H2_READ_PADLEN] = h2_data_padlen,
      [H2_READ_DATA] = h2_data_take,    [H2_READ_SKIP] = skip_take,
  };
  const struct h2_reader *reader = &h2->reader;
  bool between = reader->phase == H2_READ_HEADER && reader->have == 0;
  size_t taken = between ? wholes_take(h2, in) : 0;
  return taken ? taken : takes[reader->phase](h2, in);
}

size_t h2_recv(struct h2 *h2, struct span in) {
  size_t done = 0;
  while ((h2_recv_wanted(h2) && done < in.len) || (!h2->dead && runs_empty(&h2->reader)))
    done += take(h2, span_of(in.base + done, in.len - done));
  return h2->dead ? in.len : done; /* after a connection error the rest is dropped */
}
