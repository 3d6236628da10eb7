/*
 * http/handler.h - what answers requests. An embedder writes one of these; `weir serve` is made of
 * them.
 *
 *     static void hello(void *ctx, struct stream *stream, const struct request *request,
 *                       uint64_t now_ns) {
 *       struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/plain"));
 *       struct body_bytes *body = malloc(sizeof *body);  // see http/body.h
 *       stream_respond(stream, 200, &type, 1, body_bytes(body, span_text("hello\n"), free, body));
 *     }
 *     static const struct handler handler = {.request = hello};
 *
 * The engine starts no server: weir.h does, and README.md has a whole program. Every worker calls
 * the handler, each on its own thread.
 */
#ifndef WEIR_HANDLER_H
#define WEIR_HANDLER_H

#include "engine/http/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct handler {
  void *ctx;
  /* A valid request has arrived. Borrows `request`. May respond at once, or later; a stream that is
   * never answered stays open until a limit of the peer or the engine ends it.
   * The engine answers `expect: 100-continue`: a request that is not yet answered when request()
   * returns gets 100. Other expectations get 417, and never reach the handler. */
  void (*request)(void *ctx, struct stream *stream, const struct request *request, uint64_t now_ns);
  /* The handler broke a rule of http/stream.h; `what` is one static line for its author's log. What it
   * asked for was refused, or its stream was reset: nothing else suffers. May be NULL. */
  void (*mistake)(void *ctx, struct stream *stream, const char *what);
  /* Names of the protocols for which it takes tunnels (see stream_tunnel()), such as "websocket";
   * NULL-terminated. NULL: none. Requests for other tunnels never reach it. */
  const char *const *protocols;
  /* A request has arrived that the engine answers by itself: malformed, too large, too late, with an
   * expectation or for a tunnel that nobody takes. `request` has what could be read of it: fields may be
   * missing or invalid, and any text may be empty. Nothing may be done with the stream but to set
   * `stream->log`; its events are not called, and ended() follows. May be NULL. */
  void (*refused)(void *ctx, struct stream *stream, const struct request *request, uint64_t now_ns);
  /* Called once for every stream that request() or refused() was called for, last of all: after events.closed(),
   * when no byte of the response is in use any more, except those whose loans a body counts (body_chunk.loans):
   * they may still be on their way. `stream->log`, `id` and `peer` are good;
   * nothing may be done with the stream. May be NULL. */
  void (*ended)(void *ctx, struct stream *stream, const struct stream_facts *facts);
};

/* The handler's spelling of a protocol that a client asks for, in any case; empty when the handler
 * does not name it. */
struct span handler_protocol(const struct handler *handler, struct span name);

/* Tells the handler that the engine answers the request. Its pseudo-header fields are read from `fields`, as
 * far as they are there. Returns whether ended() is to follow. */
__attribute__((warn_unused_result)) bool handler_refused(const struct handler *handler,
                                                         struct stream *stream,
                                                         const struct headers *fields,
                                                         uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
