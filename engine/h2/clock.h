/*
 * h2/clock.h - a connection's clocks: deadlines of the peer's and our own, and timers of handlers.
 * Spec: RFC 9113 sections 6.5.3, 6.8 and 10.5; bounds: base/limits.h.
 */
#ifndef WEIR_H2_CLOCK_H
#define WEIR_H2_CLOCK_H

#include "engine/base/machine.h"

struct h2;

/* When h2_clock_run() is next needed; MACHINE_NO_DEADLINE for never. */
uint64_t h2_clock_deadline_ns(const struct h2 *h2);

/* Does what is due. */
void h2_clock_run(struct h2 *h2);

/* Keeps the span of time over which output is measured. To be called after output was made, was
 * acked, or may have been unblocked. */
void h2_clock_watch_output(struct h2 *h2);

/* After the peer's FIN no credit can come: what its windows hold back will never leave, and is not
 * held for it. */
void h2_clock_give_up_blocked(struct h2 *h2);

/* A server's connection without streams. */
bool h2_is_idle(const struct h2 *h2);

#endif
