/*
 * serve/demo/demo.h - the built-in site, which `weir serve` shows without a directory.
 *
 *     /                    a page that says what this is
 *     /plaintext           "Hello, World!"
 *     /bytes/N             N bytes: 0, 1, ... 255, 0, 1, ...
 *     /echo                the body of a POST, back as it comes
 *     /sink                how many bytes the body of a POST has; nothing is kept
 *     /sink?stopped        the same by a handler that uses none of them: credit is never returned
 *     /delay/MILLISECONDS  an answer, that much later
 *     /events              server-sent events with the server's counters, each second: demo/live.h
 *     /poll                long polling: an answer when a client comes or leaves, or after a minute
 *     /ws                  a WebSocket that echoes; to a plain request, a page that shows it
 *
 * It is written like any embedder's handler, with engine/http/handler.h, http/stream.h and
 * http/body.h only; /ws with engine/ws/ws.h.
 */
#ifndef WEIR_TOOLS_SERVE_DEMO_DEMO_H
#define WEIR_TOOLS_SERVE_DEMO_DEMO_H

#include "engine/base/pool.h"
#include "engine/http/handler.h"
#include "engine/http/shared.h"
#include "engine/ws/events.h"
#include "tools/serve/limits.h"

struct demo;

/* Borrows `memory` for the demo's life. Takes `exchanges_max` requests at once; answers 503 to
 * more. NULL when memory was refused. */
__attribute__((warn_unused_result)) struct demo *demo_create(const struct memory *memory,
                                                             uint32_t exchanges_max);

/* Counts its WebSockets there; to be called before the first. */
void demo_count(struct demo *demo, struct ws_counters *counters);

/* All streams and bodies must be closed (asserted). NULL is allowed. */
void demo_destroy(struct demo *demo);

const struct handler *demo_handler(struct demo *demo);

/* To be called about once a second, with the counters of all workers. */
void demo_second(struct demo *demo, const struct http_counters *counters);

#endif
