/*
 * serve/demo/exchange.h - a request to the built-in site, and answers that are in memory.
 *
 * Each request takes an exchange from a pool. The stream holds it until closed(), the body until its
 * close(), in any order. The last one returns it.
 */
#ifndef WEIR_TOOLS_SERVE_DEMO_EXCHANGE_H
#define WEIR_TOOLS_SERVE_DEMO_EXCHANGE_H

#include "engine/base/pool.h"
#include "engine/http/body.h"
#include "engine/http/handler.h"
#include "tools/serve/demo/echo.h"
#include "tools/serve/demo/live.h"
#include "tools/serve/demo/ws.h"

struct demo {
  const struct memory *memory;
  struct handler handler;
  struct pool exchanges;
  struct demo_ws ws;
  struct demo_live live;
  uint8_t pattern[DEMO_PATTERN_BYTES];
};

struct demo_exchange {
  struct demo *demo;
  struct stream *stream; /* NULL once it is closed */
  bool body_open;

  struct body_bytes bytes;     /* a body that is in memory */
  struct demo_watcher watcher; /* /events and /poll */
  char text[64];

  uint64_t offset, end; /* /bytes; /sink: bytes so far */

  struct demo_echo echo;
  bool complete; /* /echo: the request body has ended */
};

/* "text/plain", with its charset. */
extern const char demo_text_type[];

/* To be called when the body is closed; `ctx` is its exchange. The body was noted in `body_open`. */
void demo_body_closed(void *ctx);

/* closed() of each stream's events; `user` is the exchange. */
void demo_stream_closed(struct stream *stream, uint32_t error_code);

/* Responds with bytes that are part of the exchange or outlive it. `more`: another field, or NULL. */
void demo_respond(struct demo_exchange *exchange, unsigned status, const char *type,
                  struct span bytes, const struct header *more);

/* Status 400, 404 or 501. */
void demo_respond_error(struct demo_exchange *exchange, unsigned status);

void demo_respond_not_allowed(struct demo_exchange *exchange, const char *allowed);

/* Answers OPTIONS (RFC 9110 section 9.3.7). */
void demo_respond_options(struct demo_exchange *exchange, const char *allowed);

#endif
