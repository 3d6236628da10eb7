/*
 * h1/clock.h - everything that happens because time has passed.
 * Bounds and reasons: base/limits.h, "time"; they are those of HTTP/2.
 */
#ifndef WEIR_H1_CLOCK_H
#define WEIR_H1_CLOCK_H

#include "engine/h1/connection.h"

uint64_t h1_clock_deadline_ns(const struct h1 *h1);

/* Does what is due. */
void h1_clock_run(struct h1 *h1);

/* Notes whether output waits for the peer; ends the connection when it has waited for too long. */
void h1_clock_watch_output(struct h1 *h1);

/* Nothing goes on, and nothing has begun. */
bool h1_is_idle(const struct h1 *h1);

#endif
