/*
 * h2/timers.h - the timers of streams; h2/clock.c runs them.
 */
#ifndef WEIR_H2_TIMERS_H
#define WEIR_H2_TIMERS_H

#include "engine/h2/stream.h"

/* Sets or moves the stream's timer; MACHINE_NO_DEADLINE removes it. */
void h2_timer_set(struct h2_stream *stream, uint64_t deadline_ns);

/* The first stream whose timer is due, NULL if none is. Its timer is removed. */
struct h2_stream *h2_timer_due(struct h2 *h2);

#endif
