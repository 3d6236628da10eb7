/*
 * h2/clock.h - the clocks of a connection: deadlines for the peer, our own, and the timers of
 * handlers.
 * Spec: RFC 9113 sections 6.5.3, 6.8 and 10.5; bounds: h2/limits.h, base/limits.h.
 */
#ifndef WEIR_H2_CLOCK_H
#define WEIR_H2_CLOCK_H

#include "engine/base/machine.h"

struct h2;

/* When h2_clock_run() is needed next; MACHINE_NO_DEADLINE for never. */
uint64_t h2_clock_deadline_ns(const struct h2 *h2);

/* Does everything that is due. */
void h2_clock_run(struct h2 *h2);

/* Measures how fast the peer takes output. To be called when output was made or acked, or may have
 * been blocked or unblocked. */
void h2_clock_watch_output(struct h2 *h2);

/* After the peer's FIN no more credit can come. Ends the streams that wait for some, once nothing
 * else can be sent. */
void h2_clock_give_up_blocked(struct h2 *h2);

/* Whether this is a server's connection without streams, and none can be waiting to be read. */
bool h2_is_idle(const struct h2 *h2);

#endif
