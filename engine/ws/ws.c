/*
 * ws/ws.c - one end of a WebSocket: what its stream tells it and what its owner calls; see ws/ws.h.
 *
 * An end is held by its stream, until closed(), and by its body, until that is closed. Calls nest: an event
 * within a call may close the stream. So each call that can lead to an event is an *entry*, and the last
 * one to leave frees an end that nothing holds.
 */
#include "engine/ws/ws.h"

#include <assert.h>
#include <string.h>

#include "engine/ws/closing.h"
#include "engine/ws/endpoint.h"
#include "engine/ws/message.h"
#include "engine/ws/queue.h"
#include "engine/ws/recv.h"

/* ---- life ------------------------------------------------------------------------------------ */

static struct ws *ws_new(const struct ws_settings *settings, void *user, bool client) {
  struct ws *ws = memory_alloc(settings->memory, sizeof *ws);
  if (!ws) return NULL;
  *ws = (struct ws){.settings = settings,
                    .user = user,
                    .client = client,
                    .silent = true,
                    .code = WS_ABNORMAL,
                    .ping_ns = MACHINE_NO_DEADLINE,
                    .close_ns = MACHINE_NO_DEADLINE,
                    .timer_ns = MACHINE_NO_DEADLINE};
  return ws;
}

static void kept_free(struct ws *ws) {
  memory_free(ws->settings->memory, ws->kept.bytes, ws->kept.room);
  ws->kept = (struct ws_kept){0};
}

static void enter(struct ws *ws) {
  ws->entries++;
}

static void leave(struct ws *ws) {
  if (--ws->entries > 0) return;
  if (ws->state == WS_DONE) {
    ws_message_drop(ws);
    kept_free(ws);
  }
  if (ws->stream || ws->body_open) return;
  ws_message_drop(ws);
  kept_free(ws);
  ws_queue_free(ws);
  memory_free(ws->settings->memory, ws, sizeof *ws);
}

static void open_now(struct ws *ws) {
  uint64_t now_ns = stream_now_ns(ws->stream);
  ws->state = WS_OPEN;
  ws->silent = false;
  budget_init(&ws->controls, WS_CONTROL_BURST, WS_CONTROL_PER_SECOND, now_ns);
  budget_init(&ws->fragments, WS_FRAGMENT_BURST, WS_FRAGMENT_PER_SECOND, now_ns);
  ws_clocks_begin(ws);
  WS_COUNT(ws, opened);
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
    uint8_t *larger = memory_alloc(ws->settings->memory, room);
    if (!larger) {
      ws_fail(ws, WS_INTERNAL_ERROR, "no memory to keep what came");
      return;
    }
    if (kept->len > 0) memcpy(larger, kept->bytes, kept->len);
    memory_free(ws->settings->memory, kept->bytes, kept->room);
    kept->bytes = larger;
    kept->room = room;
  }
  memcpy(kept->bytes + kept->len, bytes.base, bytes.len);
  kept->len += bytes.len;
}

/* Goes on with what was kept, as far as that is possible. */
static void go_on(struct ws *ws) {
  struct ws_kept *kept = &ws->kept;
  if (ws->reading) return; /* the call under way goes on by itself */
  while (kept->at < kept->len && !ws_is_blocked(ws))
    kept->at += read_bytes(ws, span_of(kept->bytes + kept->at, kept->len - kept->at));
  if (kept->at < kept->len) return;
  kept_free(ws);
  if (ws->end_due && ws->stream && !ws->peer_ended) ws_peer_ends(ws);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct ws *ws = stream->user;
  enter(ws);
  ws->heard |= bytes.len > 0;
  ws->end_due |= end;
  if (ws->kept.len == 0) {
    size_t used = read_bytes(ws, bytes);
    bytes = span_of(bytes.base + used, bytes.len - used);
  }
  keep(ws, bytes);
  go_on(ws);
  leave(ws);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  (void)fields;
  on_data(stream, span_of(NULL, 0), true);
}

/* ---- sending --------------------------------------------------------------------------------- */

static size_t send_bytes_max(const struct ws *ws) {
  size_t max = ws->settings->send_bytes_max;
  return max ? max : WS_SEND_BYTES_DEFAULT;
}

/* Some of what waited has left: the owner may send again, and the peer's messages go on. */
static void made_room(struct ws *ws) {
  const struct ws_events *events = ws->settings->events;
  if (!ws->out.full || ws->out.bytes > send_bytes_max(ws) / 2) return;
  ws->out.full = false;
  if (events->writable && ws->state == WS_OPEN) events->writable(ws);
  go_on(ws);
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct ws *ws = self;
  enum body_result result = BODY_WAIT;
  size_t done = 0;
  enter(ws);
  if (!ws->abandoned) done = ws_queue_read(ws, chunk->room, chunk->max);
  chunk->bytes = span_of(chunk->room, done);
  if (done > 0) made_room(ws);
  if (done > 0 || ws_queue_has_bytes(ws)) result = BODY_MORE;
  if (ws_is_over(ws)) result = BODY_END;
  leave(ws);
  return result;
}

static void body_closed(void *self) {
  struct ws *ws = self;
  enter(ws);
  ws->body_open = false;
  leave(ws);
}

static const struct body_ops body_ops = {.pull = pull, .close = body_closed};

static bool may_send(const struct ws *ws) {
  return ws->state == WS_OPEN && !ws->out.full;
}

/* A message, or a part of it, was queued or not. */
static bool queued(struct ws *ws, bool done) {
  if (!done) {
    ws_fail(ws, WS_INTERNAL_ERROR, "no memory to send");
    return false;
  }
  if (ws->out.bytes > send_bytes_max(ws)) ws->out.full = true;
  stream_resume(ws->stream);
  return true;
}

bool ws_send(struct ws *ws, enum ws_kind kind, struct span bytes) {
  if (!may_send(ws) || ws->out.in_parts) return false;
  WS_COUNT(ws, messages_sent);
  return queued(ws, ws_queue_message(ws, kind, bytes));
}

bool ws_send_part(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  if (!may_send(ws)) return false;
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

/* ---- the stream's other events --------------------------------------------------------------- */

static void on_timer(struct stream *stream, uint64_t now_ns) {
  struct ws *ws = stream->user;
  const struct ws_events *events = ws->settings->events;
  enter(ws);
  if (now_ns >= ws->timer_ns) {
    ws->timer_ns = MACHINE_NO_DEADLINE;
    if (events->timer && ws->state != WS_DONE) events->timer(ws, now_ns);
  }
  if (ws->stream) ws_clocks(ws, now_ns);
  leave(ws);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct ws *ws = stream->user;
  const struct ws_events *events = ws->settings->events;
  (void)error_code; /* the protocol's: the close code says what became of the WebSocket */
  enter(ws);
  bool silent = ws->silent;
  ws->silent = true;
  ws->stream = NULL;
  ws->state = WS_DONE;
  if (!silent) {
    WS_COUNT(ws, closed);
    if (events->closed) events->closed(ws, ws->code, ws->reason);
  }
  leave(ws);
}

/* ---- server ---------------------------------------------------------------------------------- */

static const struct stream_events server_events = {
    .data = on_data, .trailers = on_trailers, .timer = on_timer, .closed = on_closed};

static struct ws_deflate_wish wish_of(const struct ws_settings *settings) {
  uint8_t bits = settings->deflate_window_bits;
  return (struct ws_deflate_wish){.on = settings->deflate,
                                  .takeover = settings->deflate_takeover,
                                  .window_bits = bits ? bits : WS_DEFLATE_WINDOW_BITS_DEFAULT};
}

/* The program's own copy of a subprotocol's name. */
static const char *protocol_of(const struct ws_settings *settings, struct span name) {
  const char *const *protocols = settings->protocols;
  while (protocols && *protocols && !span_is(name, *protocols))
    protocols++;
  return protocols ? *protocols : NULL;
}

static struct ws *refuse(struct stream *stream, unsigned status) {
  struct header version = header_of(TOKEN_SEC_WEBSOCKET_VERSION, span_text("13"));
  (void)stream_respond(stream, status, &version, status == 426, BODY_NONE);
  return NULL;
}

/* The response's fields, in `text`; returns their number. False when memory was refused. */
static bool answer_fields(struct ws *ws, const struct ws_request *asked,
                          const struct request *request, struct header *fields, size_t *count,
                          uint8_t *text) {
  struct ws_deflate_wish wish = wish_of(ws->settings);
  *count = 0;
  if (asked->key.len > 0) {
    if (!ws_accept_text(asked->key, text)) return false;
    fields[(*count)++] = header_of(TOKEN_SEC_WEBSOCKET_ACCEPT, span_of(text, WS_ACCEPT_TEXT_BYTES));
    text += WS_ACCEPT_TEXT_BYTES;
  }
  if (asked->protocol.len > 0) {
    ws->protocol = protocol_of(ws->settings, asked->protocol);
    fields[(*count)++] = header_of(TOKEN_SEC_WEBSOCKET_PROTOCOL, asked->protocol);
  }
  size_t len = ws_extension_answer(request->fields, &wish, &ws->terms, text);
  if (len > 0) fields[(*count)++] = header_of(TOKEN_SEC_WEBSOCKET_EXTENSIONS, span_of(text, len));
  return true;
}

struct ws *ws_accept(struct stream *stream, const struct request *request,
                     const struct ws_settings *settings, void *user) {
  struct header fields[3];
  uint8_t text[WS_ACCEPT_TEXT_BYTES + WS_EXTENSION_TEXT_BYTES];
  size_t count;
  struct ws_request asked = ws_request_read(request, settings->protocols);
  if (asked.status) return refuse(stream, asked.status);
  struct ws *ws = ws_new(settings, user, false);
  if (!ws) return refuse(stream, 503);
  if (!answer_fields(ws, &asked, request, fields, &count, text)) {
    memory_free(settings->memory, ws, sizeof *ws);
    return refuse(stream, 503);
  }
  enter(ws);
  ws->stream = stream;
  ws->body_open = true;
  stream->user = ws;
  stream->events = &server_events;
  stream->duplex = true;
  stream->consume_later = true;
  bool made = stream_tunnel(stream, fields, count, (struct body){&body_ops, ws});
  if (made) open_now(ws);
  leave(ws); /* frees it, if the stream was reset */
  return made ? ws : NULL;
}

/* ---- client ---------------------------------------------------------------------------------- */

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct ws *ws = stream->user;
  struct ws_deflate_wish wish = wish_of(ws->settings);
  struct span key = span_of(ws->key, ws->http1 ? sizeof ws->key : 0), protocol;
  if ((status < 200 && status != 101) || ws->state != WS_CONNECTING) return;
  enter(ws);
  const char *fault = ws_response_read(status, fields, key, ws->settings->protocols, &protocol);
  if (!fault) fault = ws_extension_read(fields, &wish, &ws->terms);
  if (!fault && end) fault = "the server has ended the WebSocket";
  if (fault) {
    ws->reason = span_text(fault);
    ws->silent = false;
    stream_reset(stream, 0);
  } else {
    ws->protocol = protocol.len > 0 ? protocol_of(ws->settings, protocol) : NULL;
    open_now(ws);
    if (ws->settings->events->open) ws->settings->events->open(ws);
  }
  leave(ws);
}

static const struct stream_events client_events = {.data = on_data,
                                                   .trailers = on_trailers,
                                                   .timer = on_timer,
                                                   .response = on_response,
                                                   .closed = on_closed};

/* Room for texts of fields. */
struct writer {
  struct ws_client *client;
  size_t used;
};

static void put(struct writer *writer, struct span text) {
  assert(writer->used + text.len <= sizeof writer->client->text);
  memcpy(writer->client->text + writer->used, text.base, text.len);
  writer->used += text.len;
}

/* The text since `from` becomes a field. */
static void put_field(struct writer *writer, enum header_token token, size_t from) {
  struct ws_client *client = writer->client;
  if (writer->used == from) return;
  client->fields[client->field_count++] =
      header_of(token, span_of(client->text + from, writer->used - from));
}

static void put_key(struct writer *writer, const struct ws_settings *settings) {
  uint8_t nonce[WS_NONCE_BYTES];
  struct ws *ws = writer->client->ws;
  for (size_t i = 0; i < sizeof nonce; i += sizeof(uint32_t)) {
    uint32_t bits = settings->random(settings->random_ctx);
    memcpy(nonce + i, &bits, sizeof bits);
  }
  ws_key_text(nonce, ws->key);
  put(writer, span_of(ws->key, sizeof ws->key));
  put_field(writer, TOKEN_SEC_WEBSOCKET_KEY, writer->used - sizeof ws->key);
}

static void put_protocols(struct writer *writer, const char *const *protocols) {
  size_t from = writer->used;
  for (; protocols && *protocols; protocols++) {
    if (writer->used > from) put(writer, span_text(", "));
    put(writer, span_text(*protocols));
  }
  put_field(writer, TOKEN_SEC_WEBSOCKET_PROTOCOL, from);
}

bool ws_client(struct ws_client *client, const struct ws_settings *settings, bool http1,
               void *user) {
  struct writer writer = {client, 0};
  struct ws_deflate_wish wish = wish_of(settings);
  uint8_t offer[WS_EXTENSION_TEXT_BYTES];
  assert(settings->random);
  struct ws *ws = ws_new(settings, user, true);
  if (!ws) return false;
  ws->body_open = true;
  ws->http1 = http1;
  client->ws = ws;
  client->body = (struct body){&body_ops, ws};
  client->events = &client_events;
  client->fields[0] = header_of(TOKEN_SEC_WEBSOCKET_VERSION, span_text("13"));
  client->field_count = 1;
  if (http1) put_key(&writer, settings);
  put_protocols(&writer, settings->protocols);
  size_t from = writer.used;
  put(&writer, span_of(offer, ws_extension_offer(&wish, offer)));
  put_field(&writer, TOKEN_SEC_WEBSOCKET_EXTENSIONS, from);
  return true;
}

void ws_client_sent(struct ws_client *client, struct stream *stream) {
  if (!stream) return;
  client->ws->stream = stream;
  client->ws->silent = false;
  stream->duplex = true;
  stream->consume_later = true;
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
  enter(ws);
  ws->held = false;
  go_on(ws);
  leave(ws);
}

void ws_timer(struct ws *ws, uint64_t deadline_ns) {
  ws->timer_ns = deadline_ns;
  ws_timer_arm(ws);
}

void ws_close(struct ws *ws, unsigned code, struct span reason) {
  ws_begin_close(ws, code, reason);
}
