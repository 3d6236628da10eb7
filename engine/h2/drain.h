/*
 * h2/drain.h - the orderly end of a connection: nothing new begins, and what has begun is
 * completed.
 * Spec: RFC 9113 section 6.8.
 */
#ifndef WEIR_H2_DRAIN_H
#define WEIR_H2_DRAIN_H

struct h2;

/* Begins it, unless it has begun already. A server sends a GOAWAY that refuses nothing, and a PING.
 * h2_drain_finish() is due when the PING is acknowledged, or at `drain_ns`: by then the peer has
 * seen the GOAWAY. A client calls it at once. */
void h2_drain_begin(struct h2 *h2);

/* Sends the last GOAWAY: later streams of the peer are ignored. `reason` is a static text or NULL. */
void h2_drain_finish(struct h2 *h2, const char *reason);

#endif
