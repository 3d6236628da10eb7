/*
 * spdy/windows.h - what we may send: the windows that the peer grants, if it grants any.
 * Spec: SPDY/3.1 section 2.6.8.
 *
 * Some peers know no windows (spdystream, which Kubernetes uses): they never send a WINDOW_UPDATE and take
 * any number of bytes. With SPDY_WINDOWS_DETECT such a peer is found out when a window is used up: it gets a
 * PING, which it answers only after it has read all that was sent before. If neither a WINDOW_UPDATE nor an
 * INITIAL_WINDOW_SIZE has ever come by then, its windows are unlimited from then on, and TCP holds us back.
 * This can be a mistake: the peer's handler may have used nothing yet. So such a peer still gets credit when it
 * has used up one of our windows and stops there (spdy/flow.c).
 */
#ifndef WEIR_SPDY_WINDOWS_H
#define WEIR_SPDY_WINDOWS_H

#include "engine/spdy/stream.h"

/* Bytes that the stream may send now. */
uint32_t spdy_window_of(const struct spdy_stream *stream);

/* The stream has sent `bytes` bytes, no more than that (asserted). */
void spdy_window_spent(struct spdy_stream *stream, uint32_t bytes);

/* A stream has more to send than its windows allow. */
void spdy_windows_used_up(struct spdy *spdy);

/* The peer answered our PING `id`. True: it was about windows, and they are unlimited now. */
__attribute__((warn_unused_result)) bool spdy_windows_ping_answered(struct spdy *spdy, uint32_t id);

#endif
