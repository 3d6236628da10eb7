/*
 * client/h2.c - see client/h2.h.
 */
#include "tools/client/h2.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/h2/h2.h"

struct h2 *client_h2_create(struct client_connection *connection, struct engine *engine,
                            const struct h2_client_events *events, void *ctx,
                            const struct machine_peer *peer, struct machine_host *host,
                            uint64_t now_ns, struct machine *out) {
  if (peer->secure && strcmp(peer->application_protocol, "h2") != 0) {
    client_blame(connection, "the server did not select h2 by ALPN");
    return NULL;
  }
  if (!h2_client(&engine->h2, peer, host, now_ns, out)) return NULL;
  struct h2 *h2 = h2_of(out);
  h2_client_listen(h2, events, ctx);
  return h2;
}

const char *client_h2_code_text(uint32_t code, char text[CLIENT_CODE_BYTES]) {
  if (code > H2_HTTP_1_1_REQUIRED)
    snprintf(text, CLIENT_CODE_BYTES, "code %u", code);
  else
    snprintf(text, CLIENT_CODE_BYTES, "%s", h2_error_name(code));
  return text;
}

void client_h2_blame_goaway(struct client_connection *connection, uint32_t error_code,
                            struct span debug) {
  char code[CLIENT_CODE_BYTES];
  client_blame(connection, "the server ended the connection with GOAWAY (%s)%s%.*s",
               client_h2_code_text(error_code, code), debug.len ? ": " : "",
               debug.len < CLIENT_REASON_BYTES ? (int)debug.len : CLIENT_REASON_BYTES,
               debug.len ? (const char *)debug.base : "");
}

bool client_h2_is_own_limit(uint32_t code) {
  return code == H2_ENHANCE_YOUR_CALM || code == H2_INTERNAL_ERROR || code == H2_SETTINGS_TIMEOUT;
}

static void blame_broken(struct client_connection *connection, const struct h2_end *end) {
  int len = (int)end->debug.len;
  const char *debug = (const char *)end->debug.base;
  if (client_h2_is_own_limit(end->code))
    client_blame(connection, "weir gave the connection up: %.*s", len, debug);
  else
    client_blame(connection, "the server broke the protocol: %s (%.*s)", h2_error_name(end->code),
                 len, debug);
}

static void blame_close(struct client_connection *connection, const struct h2 *h2,
                        const struct h2_end *end) {
  if (!h2_client_status(h2).settings_received)
    client_blame(connection, "the server closed the connection before its SETTINGS%s",
                 connection->server->secure ? "" : " (if this port speaks TLS: https://)");
  else if (end->reason == H2_END_EOF || connection->eof)
    client_blame(connection, "the server closed the connection");
  else
    client_blame(connection, "the connection was reset");
}

void client_h2_blame(struct client_connection *connection, const struct h2 *h2,
                     const struct h2_end *end) {
  switch (end->reason) {
  case H2_END_BROKEN: blame_broken(connection, end); break;
  case H2_END_HTTP1: client_blame(connection, "the server speaks HTTP/1.1, not HTTP/2"); break;
  case H2_END_GOAWAY: client_h2_blame_goaway(connection, end->code, (struct span){0}); break;
  case H2_END_EOF:
  case H2_END_CLOSED: blame_close(connection, h2, end); break;
  }
}
