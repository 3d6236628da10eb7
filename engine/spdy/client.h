/*
 * spdy/client.h - client role: what the owner of a session hears.
 * Spec: SPDY/3.1 sections 2.4.1 and 2.6.6.
 *
 * spdy/request.h makes requests.
 */
#ifndef WEIR_SPDY_CLIENT_H
#define WEIR_SPDY_CLIENT_H

#include "engine/base/machine.h"
#include "engine/http/stream.h"

struct spdy;

/* ---- how a session ends ---------------------------------------------------------------------- */

enum spdy_end_reason {
  SPDY_END_DONE,   /* orderly: we had begun to drain, and every stream has ended */
  SPDY_END_GOAWAY, /* the server sent GOAWAY, and its last stream has ended or the session closed */
  SPDY_END_BROKEN, /* the server broke the protocol or let a deadline pass: we sent GOAWAY */
  SPDY_END_EOF,    /* the server closed its direction without a GOAWAY */
  SPDY_END_LOST,   /* the server did not answer PING in time: spdy_session_config.ping_ns */
  SPDY_END_CLOSED, /* neither: the transport failed, or the owner closed the session */
};

struct spdy_end {
  enum spdy_end_reason reason;
  uint32_t code;    /* of the server's or our GOAWAY; 0 without one */
  const char *what; /* what was wrong (SPDY_END_BROKEN), a static text; else NULL */
};

/* Every member may be NULL. */
struct spdy_client_events {
  /* The server sent GOAWAY: no more streams can be opened. The streams that it refuses end after this call,
   * with REFUSED_STREAM; the others go on. Must not make a request. */
  void (*closing)(void *ctx, struct spdy *spdy);
  /* spdy_request() refused something because spdy_request_room() was 0, and it is more now. */
  void (*room)(void *ctx, struct spdy *spdy);
  /* No more streams can be opened, and none will be completed. Called once, before the remaining streams
   * end, and in the machine's close() at the latest. Borrows `end`. Must not make a request. */
  void (*ended)(void *ctx, struct spdy *spdy, const struct spdy_end *end);
};

/* To be called before the machine of spdy_client() is. Keeps `events` and `ctx`. */
void spdy_client_listen(struct spdy *spdy, const struct spdy_client_events *events, void *ctx);

/* ---- for the other modules of the session ---------------------------------------------------- */

/* The session ends: tells its owner, once. `what` is a static text or NULL. */
void spdy_client_end(struct spdy *spdy, enum spdy_end_reason reason, uint32_t code,
                     const char *what);

/* The server has sent GOAWAY. */
void spdy_client_closing(struct spdy *spdy);

/* There is room for requests again. */
void spdy_client_room(struct spdy *spdy);

#endif
