/*
 * ws/client.c - the client's end; see ws/client.h.
 */
#include "engine/ws/client.h"

#include <assert.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/ws/endpoint.h"
#include "engine/ws/tunnel.h"

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct ws *ws = stream->user;
  struct ws_deflate_wish wish = ws_tunnel_wish(ws->settings);
  struct span key = span_of(ws->key, ws->http1 ? sizeof ws->key : 0), protocol;
  if ((status < 200 && status != 101) || ws->state != WS_CONNECTING) return;
  ws_tunnel_enter(ws);
  const char *fault = ws_response_read(status, fields, key, ws->settings->protocols, &protocol);
  if (!fault) fault = ws_extension_read(fields, &wish, &ws->terms);
  if (!fault && end) fault = "the server has ended the WebSocket";
  if (fault) {
    const struct ws_events *events = ws->settings->events;
    if (events->refused) events->refused(ws, status, fields);
    ws->reason = span_text(fault);
    ws->silent = false;
    stream_reset(stream, 0);
  } else {
    ws->protocol = protocol.len > 0 ? ws_tunnel_protocol(ws->settings, protocol) : NULL;
    ws_tunnel_open(ws);
    if (ws->settings->events->open) ws->settings->events->open(ws);
    ws_tunnel_go_away(ws);
  }
  ws_tunnel_leave(ws);
}

static const struct stream_events client_events = {.data = ws_tunnel_data,
                                                   .takes_vaulted = ws_tunnel_takes_vaulted,
                                                   .trailers = ws_tunnel_trailers,
                                                   .timer = ws_tunnel_timer,
                                                   .drain = ws_tunnel_drain,
                                                   .response = on_response,
                                                   .closed = ws_tunnel_closed};

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
  struct ws_deflate_wish wish = ws_tunnel_wish(settings);
  uint8_t offer[WS_EXTENSION_TEXT_BYTES];
  assert(settings->random);
  struct ws *ws = ws_tunnel_new(settings, user, true);
  if (!ws) return false;
  ws->body_open = true;
  ws->http1 = http1;
  client->ws = ws;
  client->body = (struct body){&ws_tunnel_body, ws};
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
