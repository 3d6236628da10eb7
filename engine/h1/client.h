/*
 * h1/client.h - client role: what the owner of a connection hears, and what it can ask.
 * Spec: RFC 9112 section 9.
 *
 * h1/ask.h makes requests. A connection carries one exchange at a time, unless the owner lets it pipeline
 * requests. Their responses come in order.
 *
 * When a connection ends, requests end with H1_REFUSED_STREAM if the server will not process them: nothing
 * of them has left, or it has said before that it would close. Of others it is not known.
 */
#ifndef WEIR_H1_CLIENT_H
#define WEIR_H1_CLIENT_H

#include "engine/base/machine.h"

struct h1;
struct stream;

enum h1_end_reason {
  H1_END_DONE,   /* orderly: after an exchange that the connection was not to outlive, or idle */
  H1_END_BROKEN, /* the server broke the protocol or let a deadline pass */
  H1_END_EOF,    /* the server closed its direction in the middle of an exchange */
  H1_END_CLOSED, /* the transport failed, or the owner closed the connection or reset its stream */
};

/* Every member may be NULL. */
struct h1_client_events {
  /* An exchange has ended, and h1_request() would take another. */
  void (*ready)(void *ctx, struct h1 *h1);
  /* No more responses will be completed. Called once, before a remaining stream ends, and in the
   * machine's close() at the latest. `what` says what was wrong, a static text: with H1_END_BROKEN, and
   * with H1_END_DONE when bytes came that answer no request; else NULL. Must not make a request. */
  void (*ended)(void *ctx, struct h1 *h1, enum h1_end_reason reason, const char *what);
};

/* To be called before the machine of h1_client() is. Keeps `events` and `ctx`. */
void h1_client_listen(struct h1 *h1, const struct h1_client_events *events, void *ctx);

/* Lets up to `depth` requests (1 at least) be under way at once. None is made behind one that asks for a
 * tunnel. */
void h1_client_pipeline(struct h1 *h1, uint32_t depth);

/* Bytes of the head that was received last. For use in stream_events.response and trailers. */
size_t h1_client_head_bytes(const struct h1 *h1);

/* Requests that have not ended. */
uint32_t h1_client_streams(const struct h1 *h1);

/* For use in stream_events.closed: whether something of the response had come. */
__attribute__((warn_unused_result)) bool h1_client_was_answered(const struct stream *stream);

/* ---- for the other modules of the connection ------------------------------------------------- */

/* The connection ends: tells its owner, once. `what` is a static text or NULL. */
void h1_client_end(struct h1 *h1, enum h1_end_reason reason, const char *what);

#endif
