/*
 * h2/drain.h - the orderly end of a connection: it takes on nothing new, and completes what has begun.
 * Spec: RFC 9113 section 6.8.
 */
#ifndef WEIR_H2_DRAIN_H
#define WEIR_H2_DRAIN_H

struct h2;

/* A server first sends a GOAWAY that refuses nothing, and a PING. When the peer must have seen both
 * (the PING was acknowledged, or `drain_ns` has passed) h2_drain_finish() is due. For a client it is
 * due at once. Does nothing when the end has begun already. */
void h2_drain_begin(struct h2 *h2);

/* The last GOAWAY: streams that the peer opens from here on are ignored. `reason` is a static text,
 * or NULL. */
void h2_drain_finish(struct h2 *h2, const char *reason);

#endif
