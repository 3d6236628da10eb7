/*
 * spdy/drain.h - the orderly end of a session.
 * Spec: SPDY/3.1 sections 2.1 and 2.6.6.
 *
 * GOAWAY says which streams of the peer are handled; newer ones are ignored, which is what the peer expects,
 * and can be tried elsewhere. Those that are open go on to their end; then the machine is done.
 */
#ifndef WEIR_SPDY_DRAIN_H
#define WEIR_SPDY_DRAIN_H

struct spdy;

/* Sends GOAWAY, unless one was sent. */
void spdy_drain(struct spdy *spdy);

/* The same when the host asks for it: open streams are told, once (stream_events.drain). */
void spdy_drain_begin(struct spdy *spdy);

#endif
