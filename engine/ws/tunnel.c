/*
 * ws/tunnel.c - one end on its stream; see ws/tunnel.h.
 */
#include "engine/ws/tunnel.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/ws/closing.h"
#include "engine/ws/message.h"
#include "engine/ws/queue.h"
#include "engine/ws/recv.h"
#include "engine/ws/source.h"

/* ---- life ------------------------------------------------------------------------------------ */

struct ws *ws_tunnel_new(const struct ws_settings *settings, void *user, bool client) {
  struct ws *ws = memory_alloc(settings->memory, sizeof *ws);
  if (!ws) return NULL;
  *ws = (struct ws){.settings = settings,
                    .memory = settings->memory,
                    .user = user,
                    .client = client,
                    .silent = true,
                    .code = WS_ABNORMAL,
                    .ping_ns = MACHINE_NO_DEADLINE,
                    .close_ns = MACHINE_NO_DEADLINE,
                    .timer_ns = MACHINE_NO_DEADLINE,
                    .pause_ns = MACHINE_NO_DEADLINE};
  return ws;
}

static void kept_free(struct ws *ws) {
  memory_free(ws->memory, ws->kept.bytes, ws->kept.room);
  ws->kept = (struct ws_kept){0};
}

void ws_tunnel_enter(struct ws *ws) {
  ws->entries++;
}

void ws_tunnel_leave(struct ws *ws) {
  if (--ws->entries > 0) return;
  if (ws->state == WS_DONE) {
    ws_message_drop(ws);
    kept_free(ws);
  }
  if (ws->stream || ws->body_open) return;
  ws_message_drop(ws);
  kept_free(ws);
  ws_queue_free(ws);
  memory_free(ws->memory, ws, sizeof *ws);
}

void ws_tunnel_open(struct ws *ws) {
  uint64_t now_ns = stream_now_ns(ws->stream);
  ws->state = WS_OPEN;
  ws->silent = false;
  budget_init(&ws->controls, WS_CONTROL_BURST, WS_CONTROL_PER_SECOND, now_ns);
  budget_init(&ws->fragments, WS_FRAGMENT_BURST, WS_FRAGMENT_PER_SECOND, now_ns);
  budget_init(&ws->inflating, WS_INFLATE_BURST_BYTES, WS_INFLATE_BYTES_PER_SECOND, now_ns);
  ws_clocks_begin(ws);
  WS_COUNT(ws, opened);
}

void ws_tunnel_go_away(struct ws *ws) {
  const struct ws_events *events = ws->settings->events;
  if (!ws->drained || ws->state != WS_OPEN) return;
  if (events->drain)
    events->drain(ws);
  else
    ws_begin_close(ws, WS_GOING_AWAY, span_of(NULL, 0));
}

struct ws_deflate_wish ws_tunnel_wish(const struct ws_settings *settings) {
  uint8_t bits = settings->deflate_window_bits;
  return (struct ws_deflate_wish){.on = settings->deflate,
                                  .takeover = settings->deflate_takeover,
                                  .window_bits = bits ? bits : WS_DEFLATE_WINDOW_BITS_DEFAULT};
}

const char *ws_tunnel_protocol(const struct ws_settings *settings, struct span name) {
  const char *const *protocols = settings->protocols;
  while (protocols && *protocols && !span_is(name, *protocols))
    protocols++;
  return protocols ? *protocols : NULL;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Reads, and returns the peer's credit for what was read. Returns the number of bytes. */
static size_t read_bytes(struct ws *ws, struct span bytes) {
  ws->reading = true;
  size_t used = ws_recv(ws, bytes);
  ws->reading = false;
  if (used > 0 && ws->stream) stream_consume(ws->stream, used);
  return used;
}

/* Keeps bytes until messages may be handed over; the window, or what HTTP/1.1 reads ahead, bounds them. */
static void keep(struct ws *ws, struct span bytes) {
  struct ws_kept *kept = &ws->kept;
  size_t need = kept->len + bytes.len, room = kept->room ? kept->room : WS_PIECE_BYTES;
  if (bytes.len == 0) return;
  if (need > kept->room) {
    while (room < need)
      room *= 2;
    uint8_t *larger = memory_alloc(ws->memory, room);
    if (!larger) {
      ws_fail(ws, WS_INTERNAL_ERROR, "no memory to keep what came");
      return;
    }
    if (kept->len > 0) memcpy(larger, kept->bytes, kept->len);
    memory_free(ws->memory, kept->bytes, kept->room);
    kept->bytes = larger;
    kept->room = room;
  }
  memcpy(kept->bytes + kept->len, bytes.base, bytes.len);
  kept->len += bytes.len;
}

/* Goes on with what was kept, as far as that is possible. */
void ws_tunnel_go_on(struct ws *ws) {
  struct ws_kept *kept = &ws->kept;
  if (ws->reading) return; /* the call under way goes on by itself */
  while (kept->at < kept->len && !ws_is_blocked(ws))
    kept->at += read_bytes(ws, span_of(kept->bytes + kept->at, kept->len - kept->at));
  if (kept->at < kept->len) return;
  kept_free(ws);
  if (ws->end_due && ws->stream && !ws->peer_ended) ws_peer_ends(ws);
}

void ws_tunnel_data(struct stream *stream, struct span bytes, bool end) {
  struct ws *ws = stream->user;
  ws_tunnel_enter(ws);
  ws->heard |= bytes.len > 0;
  ws->end_due |= end;
  if (ws->kept.len == 0) {
    size_t used = read_bytes(ws, bytes);
    bytes = span_skip(bytes, used);
  }
  keep(ws, bytes);
  ws_tunnel_go_on(ws);
  ws_tunnel_leave(ws);
}

/* Payload that is neither masked nor compressed, and not gathered. */
size_t ws_tunnel_takes_vaulted(const struct stream *stream) {
  const struct ws *ws = stream->user;
  const struct ws_in *in = &ws->in;
  const struct ws_events *events = ws->settings->events;
  bool reads = ws->state == WS_OPEN && ws->kept.len == 0 && !ws_is_blocked(ws);
  bool plain = in->in_payload && !ws_opcode_is_control(in->frame.opcode) && in->kind == WS_BINARY;
  if (!reads || !plain || in->frame.masked || in->compressed) return 0;
  if (!ws->settings->fragments || !events->takes_vaulted) return 0;
  uint64_t left = in->frame.len - in->offset;
  size_t most = events->takes_vaulted(ws);
  return most < left ? most : (size_t)left;
}

void ws_tunnel_trailers(struct stream *stream, const struct headers *fields) {
  (void)fields;
  ws_tunnel_data(stream, span_of(NULL, 0), true);
}

/* ---- sending --------------------------------------------------------------------------------- */

size_t ws_tunnel_send_max(const struct ws *ws) {
  size_t max = ws->settings->send_bytes_max;
  return max ? max : WS_SEND_BYTES_DEFAULT;
}

/* Some of what waited has left: the owner may send again, and the peer's messages go on. */
static void made_room(struct ws *ws) {
  const struct ws_events *events = ws->settings->events;
  if (!ws->out.full || ws->out.bytes > ws_tunnel_send_max(ws) / 2) return;
  ws->out.full = false;
  if (events->writable && ws->state == WS_OPEN) events->writable(ws);
  ws_tunnel_go_on(ws);
}

/* What is queued, and behind it what the source has. */
static void read_out(struct ws *ws, struct body_chunk *chunk) {
  chunk->bytes = span_of(chunk->room, 0);
  if (ws->abandoned) return;
  chunk->bytes.len = ws_queue_read(ws, chunk->room, chunk->max);
  if (chunk->bytes.len > 0) made_room(ws);
  bool fits = chunk->max - chunk->bytes.len > WS_HEADER_BYTES_MAX;
  if (fits && !ws_queue_has_bytes(ws) && ws_source_waits(ws)) ws_source_read(ws, chunk);
}

/* What a pull that gave `done` of `max` bytes says. */
static enum body_result what_follows(const struct ws *ws, size_t done, size_t max) {
  if (ws_is_over(ws)) return BODY_END;
  if (done > 0 || ws_queue_has_bytes(ws)) return BODY_MORE;
  if (max > WS_HEADER_BYTES_MAX || !ws_source_waits(ws)) return BODY_WAIT;
  return max > 0 ? BODY_ROOM : BODY_MORE;
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct ws *ws = self;
  ws_tunnel_enter(ws);
  read_out(ws, chunk);
  enum body_result result = what_follows(ws, chunk->bytes.len, chunk->max);
  ws_tunnel_leave(ws);
  return result;
}

static void body_closed(void *self) {
  struct ws *ws = self;
  ws_tunnel_enter(ws);
  ws->body_open = false;
  ws_tunnel_leave(ws);
}

const struct body_ops ws_tunnel_body = {.pull = pull, .close = body_closed};

/* ---- the stream's other events --------------------------------------------------------------- */

void ws_tunnel_timer(struct stream *stream, uint64_t now_ns) {
  struct ws *ws = stream->user;
  const struct ws_events *events = ws->settings->events;
  ws_tunnel_enter(ws);
  if (now_ns >= ws->timer_ns) {
    ws->timer_ns = MACHINE_NO_DEADLINE;
    if (events->timer && ws->state != WS_DONE) events->timer(ws, now_ns);
  }
  if (now_ns >= ws->pause_ns) {
    ws->pause_ns = MACHINE_NO_DEADLINE;
    ws_tunnel_go_on(ws);
  }
  if (ws->stream) ws_clocks(ws, now_ns);
  ws_tunnel_leave(ws);
}

void ws_tunnel_drain(struct stream *stream) {
  struct ws *ws = stream->user;
  ws_tunnel_enter(ws);
  ws->drained = true;
  ws_tunnel_go_away(ws);
  ws_tunnel_leave(ws);
}

void ws_tunnel_closed(struct stream *stream, uint32_t error_code) {
  struct ws *ws = stream->user;
  const struct ws_events *events = ws->settings->events;
  (void)error_code; /* the protocol's: the close code says what became of the WebSocket */
  ws_tunnel_enter(ws);
  bool silent = ws->silent;
  ws->silent = true;
  ws->stream = NULL;
  ws->state = WS_DONE;
  if (!silent) {
    WS_COUNT(ws, closed);
    if (events->closed) events->closed(ws, ws->code, ws->reason);
  }
  ws_tunnel_leave(ws);
}
