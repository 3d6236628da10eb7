/*
 * ws/message.c - puts messages together; see ws/message.h.
 *
 *     bytes --[inflate]--> plain() --fragments--> events.message()
 *                              '-----whole-----> in.bytes --at the end--> events.message()
 *
 * A message that comes in one piece, uncompressed, is handed over as it is.
 */
#include "engine/ws/message.h"

#include <assert.h>
#include <string.h>

#include "engine/ws/closing.h"
#include "engine/ws/limits.h"
#include "engine/ws/queue.h"

void ws_message_begin(struct ws *ws, enum ws_kind kind, bool compressed) {
  struct ws_in *in = &ws->in;
  assert(!in->in_message && in->len == 0);
  in->in_message = true;
  in->kind = (uint8_t)kind;
  in->compressed = compressed;
  in->utf8 = (struct ws_utf8){0};
  in->raw = in->total = 0;
}

static bool peer_takes_over(const struct ws *ws) {
  return !(ws->client ? ws->terms.server_no_takeover : ws->terms.client_no_takeover);
}

static void piece_free(struct ws *ws) {
  if (ws->in.piece) ws_queue_free_piece(ws, ws->in.piece);
  ws->in.piece = NULL;
  ws->in.len = 0;
}

void ws_message_drop(struct ws *ws) {
  struct ws_in *in = &ws->in;
  in->in_message = false;
  piece_free(ws);
  ws_inflate_free(in->inflate);
  in->inflate = NULL;
}

/* ---- plain bytes ----------------------------------------------------------------------------- */

static void hand_over(struct ws *ws, struct span bytes, bool end) {
  const struct ws_events *events = ws->settings->events;
  if (end) {
    ws->in.in_message = false;
    budget_refund(&ws->controls);
    budget_refund(&ws->fragments);
    WS_COUNT(ws, messages_received);
  }
  if (events->message) events->message(ws, (enum ws_kind)ws->in.kind, bytes, end);
}

/* Room for `more` bytes behind in->len. Doubles, so that a peer pays with bytes for what it makes us hold. */
static bool grow(struct ws *ws, size_t more) {
  struct ws_in *in = &ws->in;
  size_t before = in->piece ? in->piece->room - WS_HEADER_BYTES_MAX : 0;
  size_t need = in->len + more, room = before ? before : WS_MESSAGE_BYTES_FIRST;
  if (need <= before) return true;
  while (room < need)
    room *= 2;
  struct ws_piece *piece = ws_queue_make_piece(ws, WS_HEADER_BYTES_MAX + room);
  if (!piece) return false;
  if (in->len > 0) memcpy(ws_piece_payload(piece), ws_piece_payload(in->piece), in->len);
  if (in->piece) ws_queue_free_piece(ws, in->piece);
  in->piece = piece;
  return true;
}

/* The same. False: the end has failed. */
static bool need_room(struct ws *ws, size_t more) {
  if (grow(ws, more)) return true;
  ws_fail(ws, WS_INTERNAL_ERROR, "no memory for the message");
  return false;
}

static bool append(struct ws *ws, struct span bytes) {
  struct ws_in *in = &ws->in;
  if (bytes.len == 0) return true;
  if (!need_room(ws, bytes.len)) return false;
  uint8_t *at = ws_piece_payload(in->piece) + in->len;
  if (bytes.base != at) memcpy(at, bytes.base, bytes.len);
  in->len += bytes.len;
  return true;
}

uint8_t *ws_message_room(struct ws *ws, size_t len, bool last) {
  struct ws_in *in = &ws->in;
  bool gathers = !in->compressed && !ws->settings->fragments && (in->len > 0 || !last);
  if (!gathers || ws->state != WS_OPEN || len > ws_message_bytes_max(ws) - in->total) return NULL;
  return need_room(ws, len) ? ws_piece_payload(in->piece) + in->len : NULL;
}

/* What is wrong with the next bytes; 0: nothing. */
static unsigned fault_of(struct ws *ws, struct span bytes, bool last, const char **reason) {
  struct ws_in *in = &ws->in;
  in->total += bytes.len;
  *reason = "message is too long";
  if (in->total > ws_message_bytes_max(ws)) return WS_TOO_BIG;
  *reason = "text is not UTF-8";
  if (in->kind != WS_TEXT) return 0;
  return ws_utf8(&in->utf8, bytes) && (!last || ws_utf8_is_whole(&in->utf8)) ? 0 : WS_INVALID_DATA;
}

/* The piece may be queued within the event, and even be dropped from there. */
static void show(struct ws *ws, struct ws_piece *piece) {
  piece->shown = true;
  hand_over(ws, span_of(ws_piece_payload(piece), ws->in.len), true);
  piece->shown = false;
  if (piece->dropped) ws_queue_free_piece(ws, piece);
}

static void end_whole(struct ws *ws, struct span bytes) {
  struct ws_in *in = &ws->in;
  if (in->len == 0) {
    hand_over(ws, bytes, true);
  } else if (append(ws, bytes)) {
    show(ws, in->piece);
    piece_free(ws);
  }
}

/* The next bytes as they are. */
static void plain(struct ws *ws, struct span bytes, bool last) {
  const char *reason;
  unsigned fault = fault_of(ws, bytes, last, &reason);
  if (fault)
    ws_fail(ws, fault, reason);
  else if (ws->settings->fragments)
    hand_over(ws, bytes, last);
  else if (last)
    end_whole(ws, bytes);
  else
    (void)append(ws, bytes);
}

/* ---- compressed bytes ------------------------------------------------------------------------ */

/* A client pays only with its own time for what its server sends. */
static void charge(struct ws *ws, size_t bytes) {
  if (ws->client || bytes == 0 || ws->pause_ns != MACHINE_NO_DEADLINE) return;
  if (!budget_spend(&ws->inflating, (uint32_t)bytes, stream_now_ns(ws->stream))) ws_pause(ws);
}

/* Inflates `in`, and what was compressed goes on. False when that was the end. */
static bool inflate_bytes(struct ws *ws, struct span in) {
  uint8_t room[WS_PIECE_BYTES];
  enum ws_inflate_result result;
  do {
    size_t made = 0;
    result = ws_inflate(ws->in.inflate, &in, room, sizeof room, &made);
    charge(ws, made);
    if (made > 0) plain(ws, span_of(room, made), false);
    if (ws->state != WS_OPEN) return false; /* a fault, or the owner closes */
  } while (result == WS_INFLATE_FULL);
  if (result == WS_INFLATE_MORE) return true;
  if (result == WS_INFLATE_BAD)
    ws_fail(ws, WS_INVALID_DATA, "compressed data is not valid");
  else
    ws_fail(ws, WS_INTERNAL_ERROR, "no memory to inflate the message");
  return false;
}

static void end_inflate(struct ws *ws) {
  if (peer_takes_over(ws)) return;
  ws_inflate_free(ws->in.inflate);
  ws->in.inflate = NULL;
}

static void compressed(struct ws *ws, struct span bytes, bool last) {
  struct ws_in *in = &ws->in;
  uint8_t bits = ws->client ? ws->terms.server_bits : ws->terms.client_bits;
  if (!in->inflate) in->inflate = ws_inflate_new(ws->memory, bits);
  if (!in->inflate) {
    ws_fail(ws, WS_INTERNAL_ERROR, "no memory to inflate the message");
    return;
  }
  if (!inflate_bytes(ws, bytes) || !last) return;
  if (!inflate_bytes(ws, ws_inflate_tail)) return;
  bool whole = ws_inflate_is_whole(in->inflate);
  end_inflate(ws);
  if (whole)
    plain(ws, span_of(NULL, 0), true);
  else
    ws_fail(ws, WS_INVALID_DATA, "compressed data is cut");
}

void ws_message_add(struct ws *ws, struct span bytes, bool last) {
  if (ws->in.compressed)
    compressed(ws, bytes, last);
  else
    plain(ws, bytes, last);
}
