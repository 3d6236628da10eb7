/*
 * h2/timers.h - when streams want to hear that time has passed; h2/clock.c tells them.
 */
#ifndef WEIR_H2_TIMERS_H
#define WEIR_H2_TIMERS_H

#include "engine/h2/stream.h"

/* Sets, moves or (MACHINE_NO_DEADLINE) takes away the stream's one timer. */
void h2_timer_set(struct h2_stream *stream, uint64_t deadline_ns);

#endif
