/*
 * ws/handshake.h - the opening handshake: Sec-WebSocket-Key and -Accept, version, subprotocols.
 * Spec: RFC 6455 sections 4.1 and 4.2; RFC 8441 section 5 for HTTP/2, where key and accept are not used.
 */
#ifndef WEIR_WS_HANDSHAKE_H
#define WEIR_WS_HANDSHAKE_H

#include "engine/http/stream.h"

/* Fixed by RFC 6455 sections 4.1 and 4.2.2. */
enum {
  WS_NONCE_BYTES = 16,       /* of a client's key, before base64 */
  WS_KEY_TEXT_BYTES = 24,    /* base64 of it */
  WS_ACCEPT_TEXT_BYTES = 28, /* base64 of a SHA-1 */
};

/* Writes the Sec-WebSocket-Key of a nonce. */
void ws_key_text(const uint8_t nonce[WS_NONCE_BYTES], uint8_t out[WS_KEY_TEXT_BYTES]);

/* Whether the value is base64 of 16 bytes. */
bool ws_key_is_valid(struct span value);

/* Writes the Sec-WebSocket-Accept that answers a key, which has WS_KEY_TEXT_BYTES (asserted). */
void ws_accept_text(struct span key, uint8_t out[WS_ACCEPT_TEXT_BYTES]);

/* Server: what a request for a WebSocket gets. */
struct ws_request {
  unsigned status; /* 0: it may be accepted. 400: it is malformed. 426: its version is not 13 */
  struct span key; /* to be answered; empty over HTTP/2 */
  struct span protocol; /* of the client's subprotocols the server's favourite; empty: none */
};

/* Reads it. `protocols` are the server's subprotocols, its favourite first, NULL-terminated; NULL: none.
 * A client that offers none of them is accepted without (section 4.2.2). Spans point into `request`. */
struct ws_request ws_request_read(const struct request *request, const char *const *protocols);

/* Client: NULL when the response accepts what was asked, else what is wrong with it, in static text.
 * `key` is the Sec-WebSocket-Key that was sent, empty over HTTP/2. `protocols` were offered; *protocol
 * becomes the chosen one, or empty. */
const char *ws_response_read(unsigned status, const struct headers *fields, struct span key,
                             const char *const *protocols, struct span *protocol);

#endif
