/*
 * ws/queue.c - what an end sends; see ws/queue.h.
 */
#include "engine/ws/queue.h"

#include <assert.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/ws/limits.h"

#ifdef WEIR_INVARIANTS
static void invariants(const struct ws_out *out) {
  size_t bytes = 0;
  for (const struct ws_piece *piece = out->first; piece; piece = piece->next) {
    assert(piece->used <= piece->len && piece->len <= piece->room);
    assert(piece->next || piece == out->last);
    bytes += piece->len - piece->used;
  }
  assert(bytes == out->bytes);
  assert(out->frame_left <= out->bytes);
  assert(out->control_at <= out->control_len);
  assert(!out->pongs || out->pong.due);
}
#else
static void invariants(const struct ws_out *out) {
  (void)out;
}
#endif

static const struct memory *memory_of(const struct ws *ws) {
  return ws->memory;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

struct ws_piece *ws_queue_make_piece(struct ws *ws, size_t room) {
  struct ws_piece *piece = memory_alloc(memory_of(ws), sizeof *piece + room);
  if (piece) *piece = (struct ws_piece){.room = room};
  return piece;
}

void ws_queue_free_piece(struct ws *ws, struct ws_piece *piece) {
  piece->dropped = true;
  if (!piece->shown) memory_free(memory_of(ws), piece, sizeof *piece + piece->room);
}

static void link_in(struct ws_out *out, struct ws_piece *piece) {
  *(out->last ? &out->last->next : &out->first) = piece;
  out->last = piece;
}

/* A piece with room for `bytes` more, at the end of the queue; NULL when memory was refused. */
static struct ws_piece *reserve(struct ws *ws, size_t bytes) {
  struct ws_piece *last = ws->out.last;
  if (last && last->room - last->len >= bytes) return last;
  struct ws_piece *piece =
      ws_queue_make_piece(ws, bytes > WS_QUEUE_BYTES_MIN ? bytes : WS_QUEUE_BYTES_MIN);
  if (piece) link_in(&ws->out, piece);
  return piece;
}

static void free_first(struct ws *ws) {
  struct ws_piece *piece = ws->out.first;
  ws->out.first = piece->next;
  if (!piece->next) ws->out.last = NULL;
  ws_queue_free_piece(ws, piece);
}

/* ---- frames ---------------------------------------------------------------------------------- */

struct ws_key ws_new_key(const struct ws *ws) {
  struct ws_key key = {{0}};
  if (!ws->client) return key;
  uint32_t bits = ws->settings->random(ws->settings->random_ctx);
  memcpy(key.octets, &bits, sizeof bits);
  return key;
}

/* Writes a frame to `at`, which has room; returns its length. */
static size_t put_frame(const struct ws *ws, uint8_t *at, struct ws_frame frame,
                        struct span payload) {
  frame.len = payload.len;
  frame.masked = ws->client;
  frame.key = ws_new_key(ws);
  size_t used = ws_frame_encode(at, &frame);
  if (ws->client)
    ws_mask(at + used, payload.base, payload.len, frame.key, 0);
  else if (payload.len > 0)
    memcpy(at + used, payload.base, payload.len);
  return used + payload.len;
}

static void append(struct ws *ws, struct ws_piece *piece, struct ws_frame frame,
                   struct span payload) {
  size_t bytes = put_frame(ws, piece->bytes + piece->len, frame, payload);
  piece->len += bytes;
  ws->out.bytes += bytes;
  invariants(&ws->out);
}

static size_t frame_max(const struct ws *ws) {
  return ws->settings->frame_bytes_max ? ws->settings->frame_bytes_max : WS_FRAME_BYTES_DEFAULT;
}

/* Queues payload in as many frames as it takes. */
static bool queue_frames(struct ws *ws, struct ws_frame frame, struct span payload) {
  size_t most = frame_max(ws);
  size_t frames = payload.len / most + 1;
  struct ws_piece *piece = reserve(ws, payload.len + frames * WS_HEADER_BYTES_MAX);
  if (!piece) return false;
  do {
    size_t take = payload.len < most ? payload.len : most;
    frame.fin = take == payload.len;
    append(ws, piece, frame, span_of(payload.base, take));
    payload = span_skip(payload, take);
    frame.opcode = WS_OPCODE_CONTINUATION;
    frame.rsv1 = false;
  } while (payload.len > 0);
  return true;
}

/* ---- compression ----------------------------------------------------------------------------- */

static bool takes_over(const struct ws *ws) {
  return !(ws->client ? ws->terms.client_no_takeover : ws->terms.server_no_takeover);
}

static uint8_t our_bits(const struct ws *ws) {
  return ws->client ? ws->terms.client_bits : ws->terms.server_bits;
}

static bool is_worth_compressing(const struct ws *ws, struct span bytes) {
  return ws->terms.on && our_bits(ws) > WS_WINDOW_BITS_MIN && bytes.len >= WS_DEFLATE_BYTES_MIN &&
         bytes.len <= WS_INFLATED_BYTES_MAX;
}

static bool queue_compressed(struct ws *ws, enum ws_kind kind, struct span bytes) {
  struct ws_out *out = &ws->out;
  if (!out->deflate) out->deflate = ws_deflate_new(memory_of(ws), our_bits(ws));
  if (!out->deflate) return false;
  size_t room = ws_deflate_bound(out->deflate, bytes.len);
  uint8_t *packed = memory_alloc(memory_of(ws), room);
  bool done = packed != NULL;
  if (packed) {
    struct span small = span_of(packed, ws_deflate_message(out->deflate, bytes, packed));
    bool smaller = small.len < bytes.len || takes_over(ws); /* the peer needs it for what follows */
    done = queue_frames(ws, (struct ws_frame){.opcode = (uint8_t)kind, .rsv1 = smaller},
                        smaller ? small : bytes);
    memory_free(memory_of(ws), packed, room);
  }
  if (!takes_over(ws)) {
    ws_deflate_free(out->deflate);
    out->deflate = NULL;
  }
  return done;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* Whether the message is one that was received, where it lies, and goes as one frame without a mask. */
static bool is_received(const struct ws *ws, struct span bytes) {
  const struct ws_in *in = &ws->in;
  return in->piece && bytes.base == ws_piece_payload(in->piece) && bytes.len == in->len &&
         bytes.len <= frame_max(ws) && !ws->client;
}

/* It needs no copy: its header is written in front of it. */
static void queue_received(struct ws *ws, enum ws_kind kind) {
  struct ws_in *in = &ws->in;
  struct ws_piece *piece = in->piece;
  struct ws_frame frame = {.opcode = (uint8_t)kind, .fin = true, .len = in->len};
  uint8_t header[WS_HEADER_BYTES_MAX];
  size_t header_len = ws_frame_encode(header, &frame);
  piece->used = WS_HEADER_BYTES_MAX - header_len;
  piece->len = WS_HEADER_BYTES_MAX + in->len;
  memcpy(piece->bytes + piece->used, header, header_len);
  in->piece = NULL;
  link_in(&ws->out, piece);
  ws->out.bytes += header_len + in->len;
  invariants(&ws->out);
}

bool ws_queue_message(struct ws *ws, enum ws_kind kind, struct span bytes) {
  if (is_worth_compressing(ws, bytes)) return queue_compressed(ws, kind, bytes);
  if (is_received(ws, bytes)) {
    queue_received(ws, kind);
    return true;
  }
  return queue_frames(ws, (struct ws_frame){.opcode = (uint8_t)kind}, bytes);
}

bool ws_queue_part(struct ws *ws, enum ws_opcode opcode, struct span bytes, bool fin) {
  struct ws_piece *piece = reserve(ws, bytes.len + WS_HEADER_BYTES_MAX);
  if (!piece) return false;
  append(ws, piece, (struct ws_frame){.opcode = (uint8_t)opcode, .fin = fin}, bytes);
  return true;
}

/* ---- control frames -------------------------------------------------------------------------- */

void ws_queue_control(struct ws_control *slot, struct span payload) {
  assert(payload.len <= WS_CONTROL_BYTES_MAX);
  slot->due = true;
  slot->len = (uint8_t)payload.len;
  if (payload.len > 0) memmove(slot->payload, payload.base, payload.len);
}

static void pongs_free(struct ws *ws) {
  if (ws->out.pongs) ws_queue_free_piece(ws, ws->out.pongs);
  ws->out.pongs = NULL;
}

/* Puts the pong that waits behind those before it, if there is room. */
static void pong_keep(struct ws *ws) {
  struct ws_out *out = &ws->out;
  if (!out->pongs) {
    out->pongs = ws_queue_make_piece(ws, WS_PONGS_BYTES);
    if (!out->pongs) return;
  }
  struct ws_piece *pongs = out->pongs;
  if (pongs->room - pongs->len < 1u + out->pong.len) return;
  pongs->bytes[pongs->len] = out->pong.len;
  memcpy(pongs->bytes + pongs->len + 1, out->pong.payload, out->pong.len);
  pongs->len += 1u + out->pong.len;
}

void ws_queue_pong(struct ws *ws, struct span payload) {
  if (ws->out.pong.due) pong_keep(ws);
  ws_queue_control(&ws->out.pong, payload);
  invariants(&ws->out);
}

static void begin_frame(struct ws *ws, uint8_t opcode, struct span payload) {
  struct ws_out *out = &ws->out;
  out->control_len = (uint8_t)put_frame(ws, out->control,
                                        (struct ws_frame){.opcode = opcode, .fin = true}, payload);
  out->control_at = 0;
}

static void begin_kept_pong(struct ws *ws) {
  struct ws_piece *pongs = ws->out.pongs;
  const uint8_t *first = pongs->bytes + pongs->used;
  begin_frame(ws, WS_OPCODE_PONG, span_of(first + 1, *first));
  pongs->used += 1u + *first;
  if (pongs->used == pongs->len) pongs_free(ws);
}

/* Begins the next control frame that may go now: a close frame is the last of all. */
static bool begin_control(struct ws *ws) {
  struct ws_out *out = &ws->out;
  if (out->pongs) {
    begin_kept_pong(ws);
    return true;
  }
  const struct {
    struct ws_control *slot;
    uint8_t opcode;
  } order[] = {
      {&out->pong, WS_OPCODE_PONG}, {&out->ping, WS_OPCODE_PING}, {&out->close, WS_OPCODE_CLOSE}};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    struct ws_control *slot = order[i].slot;
    bool last = order[i].opcode == WS_OPCODE_CLOSE;
    if (!slot->due || (last && out->bytes > 0)) continue;
    begin_frame(ws, order[i].opcode, span_of(slot->payload, slot->len));
    slot->due = false;
    if (last) out->pong.due = out->ping.due = false;
    return true;
  }
  return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The length of the frame at the front of the queue, as its own header tells. */
static uint64_t front_bytes(const struct ws *ws) {
  const struct ws_piece *piece = ws->out.first;
  struct ws_frame frame;
  size_t used = 0;
  const char *reason;
  enum ws_frame_result result = ws_frame_decode(
      span_of(piece->bytes + piece->used, piece->len - piece->used),
      (struct ws_frame_rules){.masked = ws->client, .rsv1 = true}, &frame, &used, &reason);
  assert(result == WS_FRAME_READY);
  (void)result;
  return used + frame.len;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t read_control(struct ws_out *out, uint8_t *to, size_t max) {
  size_t take = least((size_t)(out->control_len - out->control_at), max);
  memcpy(to, out->control + out->control_at, take);
  out->control_at = (uint8_t)(out->control_at + take);
  bool all = out->control_at == out->control_len;
  if (all && (out->control[0] & 15) == WS_OPCODE_CLOSE) out->close_sent = true;
  return take;
}

static size_t read_data(struct ws *ws, uint8_t *to, size_t max) {
  struct ws_out *out = &ws->out;
  struct ws_piece *piece = out->first;
  if (out->frame_left == 0) out->frame_left = front_bytes(ws);
  size_t take = least((size_t)out->frame_left, max);
  memcpy(to, piece->bytes + piece->used, take);
  piece->used += take;
  out->bytes -= take;
  out->frame_left -= take;
  if (piece->used == piece->len) free_first(ws);
  return take;
}

size_t ws_queue_read(struct ws *ws, uint8_t *to, size_t max) {
  struct ws_out *out = &ws->out;
  size_t done = 0;
  while (done < max) {
    bool between = out->frame_left == 0 && !out->close_sent;
    if (out->control_at < out->control_len || (between && begin_control(ws)))
      done += read_control(out, to + done, max - done);
    else if (out->first && !out->close_sent)
      done += read_data(ws, to + done, max - done);
    else
      break;
  }
  invariants(out);
  return done;
}

bool ws_queue_has_bytes(const struct ws *ws) {
  const struct ws_out *out = &ws->out;
  if (out->control_at < out->control_len) return true;
  if (out->close_sent) return false;
  return out->bytes > 0 || out->pong.due || out->ping.due || out->close.due;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A frame lies in one piece, so that what stays does. */
void ws_queue_cut(struct ws *ws) {
  struct ws_out *out = &ws->out;
  struct ws_piece *piece = out->first;
  if (piece && out->frame_left > 0) {
    piece->len = piece->used + (size_t)out->frame_left;
    while (piece->next) {
      struct ws_piece *dropped = piece->next;
      piece->next = dropped->next;
      ws_queue_free_piece(ws, dropped);
    }
    out->last = piece;
  } else {
    while (out->first)
      free_first(ws);
  }
  out->bytes = (size_t)out->frame_left;
  invariants(out);
}

void ws_queue_free(struct ws *ws) {
  while (ws->out.first)
    free_first(ws);
  ws->out.bytes = 0;
  ws->out.frame_left = 0;
  pongs_free(ws);
  ws_deflate_free(ws->out.deflate);
  ws->out.deflate = NULL;
}
