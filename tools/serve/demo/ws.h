/*
 * serve/demo/ws.h - /ws of the built-in site: a WebSocket that sends every message back, and a page that shows
 * it. `/ws?deflate` speaks permessage-deflate, if the client offers it.
 *
 * Written like any embedder's handler, with engine/ws/ws.h. Bound: DEMO_WS_BYTES_MAX for all connections of a
 * worker; beyond it a connection that needs more ends with 1011.
 */
#ifndef WEIR_TOOLS_SERVE_DEMO_WS_H
#define WEIR_TOOLS_SERVE_DEMO_WS_H

#include "engine/ws/ws.h"

/* For handler.protocols. */
extern const char *const demo_ws_protocols[];

struct demo_ws {
  struct memory memory; /* `below`, up to the bound */
  const struct memory *below;
  size_t bytes; /* taken now */
  struct ws_settings plain, deflate;
};

/* Keeps `memory`. */
void demo_ws_init(struct demo_ws *demo, const struct memory *memory);

/* Answers a request for a WebSocket. */
void demo_ws_accept(struct demo_ws *demo, struct stream *stream, const struct request *request);

/* Static text, as HTML. It loads no other resources. */
struct span demo_ws_page(void);

#endif
