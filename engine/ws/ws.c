/*
 * ws/ws.c - what the owner of an end calls; see ws/ws.h.
 */
#include "engine/ws/ws.h"

#include "engine/ws/closing.h"
#include "engine/ws/endpoint.h"
#include "engine/ws/queue.h"
#include "engine/ws/tunnel.h"

/* ---- server ---------------------------------------------------------------------------------- */

static const struct stream_events events = {.data = ws_tunnel_data,
                                            .takes_vaulted = ws_tunnel_takes_vaulted,
                                            .trailers = ws_tunnel_trailers,
                                            .timer = ws_tunnel_timer,
                                            .drain = ws_tunnel_drain,
                                            .closed = ws_tunnel_closed};

static struct ws *refuse(struct stream *stream, unsigned status) {
  struct header version = header_of(TOKEN_SEC_WEBSOCKET_VERSION, span_text("13"));
  (void)stream_respond(stream, status, &version, status == 426, BODY_NONE);
  return NULL;
}

/* The response's fields, with their values in `text`; returns their number. */
static size_t answer_fields(struct ws *ws, const struct ws_request *asked,
                            const struct request *request, struct header *fields, uint8_t *text) {
  struct ws_deflate_wish wish = ws_tunnel_wish(ws->settings);
  size_t count = 0;
  if (asked->key.len > 0) {
    ws_accept_text(asked->key, text);
    fields[count++] = header_of(TOKEN_SEC_WEBSOCKET_ACCEPT, span_of(text, WS_ACCEPT_TEXT_BYTES));
    text += WS_ACCEPT_TEXT_BYTES;
  }
  if (asked->protocol.len > 0) {
    ws->protocol = ws_tunnel_protocol(ws->settings, asked->protocol);
    fields[count++] = header_of(TOKEN_SEC_WEBSOCKET_PROTOCOL, asked->protocol);
  }
  size_t len = ws_extension_answer(request->fields, &wish, &ws->terms, text);
  if (len > 0) fields[count++] = header_of(TOKEN_SEC_WEBSOCKET_EXTENSIONS, span_of(text, len));
  return count;
}

struct ws *ws_accept(struct stream *stream, const struct request *request,
                     const struct ws_settings *settings, void *user) {
  struct header fields[3];
  uint8_t text[WS_ACCEPT_TEXT_BYTES + WS_EXTENSION_TEXT_BYTES];
  struct ws_request asked = ws_request_read(request, settings->protocols);
  if (asked.status) return refuse(stream, asked.status);
  struct ws *ws = ws_tunnel_new(settings, user, false);
  if (!ws) return refuse(stream, 503);
  size_t count = answer_fields(ws, &asked, request, fields, text);
  ws_tunnel_enter(ws);
  ws->stream = stream;
  ws->body_open = true;
  stream->user = ws;
  stream->events = &events;
  stream->duplex = true;
  stream->consume_later = true;
  bool made = stream_tunnel(stream, fields, count, (struct body){&ws_tunnel_body, ws});
  if (made) ws_tunnel_open(ws);
  ws_tunnel_leave(ws); /* frees it, if the stream was reset */
  return made ? ws : NULL;
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool takes_bytes(const struct ws *ws) {
  return ws->state == WS_OPEN && !ws->out.full;
}

bool ws_may_send(const struct ws *ws) {
  return takes_bytes(ws) && !ws->out.in_parts;
}

/* A message, or a part of it, was queued or not. */
static bool queued(struct ws *ws, bool done) {
  if (!done) {
    ws_fail(ws, WS_INTERNAL_ERROR, "no memory to send");
    return false;
  }
  if (ws->out.bytes > ws_tunnel_send_max(ws)) ws->out.full = true;
  stream_resume(ws->stream);
  return true;
}

bool ws_send(struct ws *ws, enum ws_kind kind, struct span bytes) {
  if (!ws_may_send(ws)) return false;
  WS_COUNT(ws, messages_sent);
  return queued(ws, ws_queue_message(ws, kind, bytes));
}

bool ws_send_part(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  if (!takes_bytes(ws)) return false;
  enum ws_opcode opcode = ws->out.in_parts ? WS_OPCODE_CONTINUATION : (enum ws_opcode)kind;
  if (!ws->out.in_parts) WS_COUNT(ws, messages_sent);
  ws->out.in_parts = !end;
  return queued(ws, ws_queue_part(ws, opcode, bytes, end));
}

void ws_ping(struct ws *ws, struct span payload) {
  if (ws->state != WS_OPEN) return;
  ws_queue_control(&ws->out.ping, payload);
  stream_resume(ws->stream);
}

size_t ws_waiting_bytes(const struct ws *ws) {
  return ws->out.bytes;
}

/* ---- the owner's other calls ----------------------------------------------------------------- */

void *ws_user(const struct ws *ws) {
  return ws->user;
}

struct stream *ws_stream(const struct ws *ws) {
  return ws->stream;
}

const char *ws_protocol(const struct ws *ws) {
  return ws->protocol;
}

uint64_t ws_now_ns(const struct ws *ws) {
  return stream_now_ns(ws->stream);
}

void ws_hold(struct ws *ws) {
  ws->held = true;
}

void ws_release(struct ws *ws) {
  ws_tunnel_enter(ws);
  ws->held = false;
  ws_tunnel_go_on(ws);
  ws_tunnel_leave(ws);
}

void ws_timer(struct ws *ws, uint64_t deadline_ns) {
  ws->timer_ns = deadline_ns;
  ws_timer_arm(ws);
}

void ws_close(struct ws *ws, unsigned code, struct span reason) {
  ws_begin_close(ws, code, reason);
}
