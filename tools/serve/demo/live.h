/*
 * serve/demo/live.h - the answers of the built-in site that take their time.
 *
 *     /events   server-sent events (text/event-stream): the server's counters, each second, for ever
 *     /poll     long polling: answers when a connection has begun or ended anywhere in the server, or
 *               with 204 after DEMO_POLL_MILLISECONDS
 *
 * There is one event at a time, and all readers of a worker share its text. A reader that is slow gets
 * the next one that there is when it can take it: it misses some, and nothing is queued for it.
 *
 * Owner: struct demo_live is one worker's. A struct demo_watcher is embedded in the exchange of a
 * request, which must outlive both its stream and its body, and begins as zeros.
 */
#ifndef WEIR_TOOLS_SERVE_DEMO_LIVE_H
#define WEIR_TOOLS_SERVE_DEMO_LIVE_H

#include "engine/http/shared.h"
#include "engine/http/stream.h"
#include "tools/serve/limits.h"

struct demo_watcher {
  struct demo_live *live; /* NULL: not in its list */
  struct demo_watcher *next, *prev;
  struct stream *stream; /* of /events; NULL: of /poll */
  uint64_t seen;         /* the last event; of /poll: `changes` when it began */
  void (*release)(void *ctx);
  void (*answer)(void *ctx);
  void *ctx;
};

struct demo_live {
  struct demo_watcher *watchers;
  uint64_t number;  /* of the event; 0: there is none yet */
  uint64_t changes; /* connections that have begun or ended */
  size_t len;
  uint8_t event[DEMO_EVENT_BYTES_MAX];
};

/* Answers a request for /events. Calls release(ctx) when the body is not needed any more: once. */
void demo_live_events(struct demo_live *live, struct demo_watcher *watcher, struct stream *stream,
                      void (*release)(void *ctx), void *ctx);

/* For a request for /poll: calls answer(ctx) once, when something has happened. */
void demo_live_poll(struct demo_live *live, struct demo_watcher *watcher, void (*answer)(void *ctx),
                    void *ctx);

/* To be called when the stream has closed, or is answered, or is to end: the body of /events ends when it is
 * pulled next. Does nothing the second time. */
void demo_live_forget(struct demo_watcher *watcher);

/* A second has passed: there is a new event. Borrows the counters, which are those of all workers. */
void demo_live_second(struct demo_live *live, const struct http_counters *counters);

#endif
