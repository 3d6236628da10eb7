/*
 * ws/client.h - the client's end of a WebSocket: asks a server for one (RFC 6455 section 4.1; RFC 8441 section
 * 5). From events.open() on it is used as the server's (ws/ws.h).
 */
#ifndef WEIR_WS_CLIENT_H
#define WEIR_WS_CLIENT_H

#include "engine/ws/events.h"

/* Fixed by RFC 6455 section 4.1: version, key, subprotocols, extensions. */
enum { WS_CLIENT_FIELDS = 4 };

/* Client: what has to be asked of the server. */
struct ws_client {
  struct ws *ws;
  /* Besides the pseudo-header fields, which the caller makes: method CONNECT and :protocol "websocket". Of these
   * h1/ask.h makes a GET with `upgrade`. */
  struct header fields[WS_CLIENT_FIELDS];
  size_t field_count;
  struct body body;
  const struct stream_events *events; /* with `ws` as their user */
  uint8_t text[512];                  /* of the fields' values */
};

/* Makes a client's end and its request, which `client` holds until that has been sent; `http1`: by Upgrade.
 * False when memory was refused. Call ws_client_sent() next. */
__attribute__((warn_unused_result)) bool
ws_client(struct ws_client *client, const struct ws_settings *settings, bool http1, void *user);

/* The request was made: its stream. NULL when it was refused: the end goes when its body is closed, without
 * closed(). */
void ws_client_sent(struct ws_client *client, struct stream *stream);

#endif
