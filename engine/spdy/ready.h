/*
 * spdy/ready.h - which bodies can give bytes now; spdy/send.c takes them in the order in which sched/sched.h
 * picks them.
 */
#ifndef WEIR_SPDY_READY_H
#define WEIR_SPDY_READY_H

#include "engine/spdy/stream.h"

/* Whether the body may be asked for bytes, windows apart. */
bool spdy_is_pullable(const struct spdy_stream *stream);

/* Tells the scheduler whether the stream has something to send, by its body, windows and state. */
void spdy_ready_update(struct spdy_stream *stream);

/* The same for all streams. */
void spdy_ready_update_all(struct spdy *spdy);

/* Asks the body whether it has ended, when no window is left to ask it for bytes: the end needs no window. */
void spdy_ready_probe(struct spdy_stream *stream);
void spdy_ready_probe_if_blocked(struct spdy_stream *stream);

/* Takes the stream out of the queue of these questions. */
void spdy_ready_forget(struct spdy_stream *stream);

#endif
