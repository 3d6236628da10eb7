/*
 * spdy/clock.h - everything that happens because time has passed.
 * Bounds: base/limits.h, shared with HTTP/2.
 */
#ifndef WEIR_SPDY_CLOCK_H
#define WEIR_SPDY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct spdy;

/* machine_ops.tick and deadline_ns. */
void spdy_clock_run(struct spdy *spdy);
uint64_t spdy_clock_deadline_ns(const struct spdy *spdy);

/* To be called after whatever changes the output. */
void spdy_clock_watch_output(struct spdy *spdy);

/* Whether a server has nothing to do: no stream is open. */
bool spdy_is_idle(const struct spdy *spdy);

#endif
