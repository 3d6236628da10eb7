/*
 * ws/recv.c - reads the peer's frames; see ws/recv.h.
 */
#include "engine/ws/recv.h"

#include <assert.h>
#include <string.h>

#include "engine/ws/closing.h"
#include "engine/ws/limits.h"
#include "engine/ws/message.h"
#include "engine/ws/queue.h"

/* ---- what the frames before allow ------------------------------------------------------------ */

static bool spend(struct ws *ws, struct budget *budget) {
  return budget_spend(budget, 1, stream_now_ns(ws->stream));
}

/* A frame that is longer than its message may be is refused before its payload comes. Of compressed
 * payload, which may hold blocks without content, twice as much is read. */
static bool is_too_long(struct ws *ws, const struct ws_frame *frame) {
  uint64_t max = ws_message_bytes_max(ws);
  ws->in.raw += frame->len; /* two lengths below 2^63 */
  return ws->in.compressed ? ws->in.raw / 2 > max : ws->in.raw > max;
}

static unsigned control_fault(struct ws *ws, const char **reason) {
  *reason = "too many control frames";
  return spend(ws, &ws->controls) ? 0 : WS_POLICY_VIOLATION;
}

/* Begins a message, or goes on with one. What is wrong with that; 0: nothing. */
static unsigned data_fault(struct ws *ws, const struct ws_frame *frame, const char **reason) {
  bool goes_on = frame->opcode == WS_OPCODE_CONTINUATION;
  *reason = goes_on ? "continuation of no message" : "message within a message";
  if (goes_on != ws->in.in_message) return WS_PROTOCOL_ERROR;
  if (!goes_on) ws_message_begin(ws, (enum ws_kind)frame->opcode, frame->rsv1);
  *reason = "message is too long";
  if (is_too_long(ws, frame)) return WS_TOO_BIG;
  *reason = "too many small fragments";
  bool small = !frame->fin && frame->len < WS_FRAGMENT_BYTES_SMALL;
  return small && !spend(ws, &ws->fragments) ? WS_POLICY_VIOLATION : 0;
}

/* After our close frame data is read and dropped: only its order is looked at. */
static unsigned dropped_fault(struct ws *ws, const struct ws_frame *frame, const char **reason) {
  bool goes_on = frame->opcode == WS_OPCODE_CONTINUATION;
  *reason = goes_on ? "continuation of no message" : "message within a message";
  if (goes_on != ws->in.in_message) return WS_PROTOCOL_ERROR;
  ws->in.in_message = true;
  return 0;
}

/* ---- payload --------------------------------------------------------------------------------- */

static void control_done(struct ws *ws) {
  const struct ws_events *events = ws->settings->events;
  struct span payload = span_of(ws->in.control, (size_t)ws->in.frame.len);
  switch (ws->in.frame.opcode) {
  case WS_OPCODE_CLOSE: ws_peer_closes(ws, payload); return;
  case WS_OPCODE_PING:
    if (ws->state != WS_OPEN) return;
    ws_queue_pong(ws, payload);
    stream_resume(ws->stream);
    return;
  default:
    if (ws->state == WS_OPEN && events->pong) events->pong(ws, payload);
  }
}

/* Takes the next bytes of a control frame's payload. */
static void control_bytes(struct ws *ws, struct span bytes) {
  struct ws_in *in = &ws->in;
  ws_mask(in->control + in->offset, bytes.base, bytes.len, in->frame.key, in->offset);
  in->offset += bytes.len;
  if (in->offset < in->frame.len) return;
  in->in_payload = false;
  control_done(ws);
}

/* Unmasks the next bytes of a data frame: as many as there are where the message is gathered, WS_PIECE_BYTES at most,
 * into `piece`, where it is not. */
static struct span unmask(struct ws *ws, struct span bytes, uint8_t *piece) {
  const struct ws_in *in = &ws->in;
  uint64_t offset = in->offset;
  bool is_rest = in->frame.fin && in->offset + bytes.len == in->frame.len;
  uint8_t *room = ws_message_room(ws, bytes.len, is_rest && bytes.len <= WS_PIECE_BYTES);
  if (!room) {
    room = piece;
    if (bytes.len > WS_PIECE_BYTES) bytes.len = WS_PIECE_BYTES;
  }
#ifdef WEIR_CANARY_LATE_MASK /* a bug on demand, which the simulation must find */
  offset = 0;
#endif
  ws_mask(room, bytes.base, bytes.len, in->frame.key, offset);
  return span_of(room, bytes.len);
}

/* Takes the next bytes of a data frame's payload, and returns how many. */
static size_t data_bytes(struct ws *ws, struct span bytes) {
  struct ws_in *in = &ws->in;
  uint8_t piece[WS_PIECE_BYTES];
  if (in->frame.masked && bytes.len > 0) bytes = unmask(ws, bytes, piece);
  in->offset += bytes.len;
  bool ends = in->offset == in->frame.len, last = ends && in->frame.fin;
  if (ends) in->in_payload = false;
  if (ws->state == WS_OPEN) ws_message_add(ws, bytes, last);
  if (last && ws->state != WS_OPEN) in->in_message = false;
  return bytes.len;
}

static size_t payload(struct ws *ws, struct span bytes) {
  struct ws_in *in = &ws->in;
  uint64_t left = in->frame.len - in->offset;
  if (bytes.len > left) bytes.len = (size_t)left;
  if (!ws_opcode_is_control(in->frame.opcode)) return data_bytes(ws, bytes);
  control_bytes(ws, bytes);
  return bytes.len;
}

/* ---- headers --------------------------------------------------------------------------------- */

static void frame_begin(struct ws *ws) {
  struct ws_in *in = &ws->in;
  const char *reason = NULL;
  unsigned fault = ws_opcode_is_control(in->frame.opcode) ? control_fault(ws, &reason)
                   : ws->state == WS_OPEN                 ? data_fault(ws, &in->frame, &reason)
                                                          : dropped_fault(ws, &in->frame, &reason);
  if (fault) {
    ws_fail(ws, fault, reason);
    return;
  }
  in->in_payload = true;
  in->offset = 0;
  if (in->frame.len == 0) (void)payload(ws, span_of(NULL, 0));
}

/* Takes bytes of a header. */
static size_t header(struct ws *ws, struct span bytes) {
  struct ws_in *in = &ws->in;
  const struct ws_frame_rules rules = {.masked = !ws->client, .rsv1 = ws->terms.on};
  size_t before = in->header_len, used = 0, take = sizeof in->header - before;
  const char *reason;
  if (take > bytes.len) take = bytes.len;
  memcpy(in->header + before, bytes.base, take);
  switch (ws_frame_decode(span_of(in->header, before + take), rules, &in->frame, &used, &reason)) {
  case WS_FRAME_MORE: in->header_len = (uint8_t)(before + take); return take;
  case WS_FRAME_BAD: ws_fail(ws, WS_PROTOCOL_ERROR, reason); return take;
  default: break;
  }
  assert(used > before);
  in->header_len = 0;
  frame_begin(ws);
  return used - before;
}

size_t ws_recv(struct ws *ws, struct span bytes) {
  size_t at = 0;
  while (at < bytes.len && ws->state != WS_DONE && !ws_is_blocked(ws)) {
    struct span rest = span_of(bytes.base + at, bytes.len - at);
    at += ws->in.in_payload ? payload(ws, rest) : header(ws, rest);
  }
  return ws->state == WS_DONE ? bytes.len : at;
}
