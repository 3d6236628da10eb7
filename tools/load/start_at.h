/*
 * load/start_at.h - --start-at: a run that begins at a time of the wall clock, so that several
 * machines begin together.
 */
#ifndef WEIR_LOAD_START_AT_H
#define WEIR_LOAD_START_AT_H

#include <stdbool.h>
#include <stdint.h>

/* Parses a time into nanoseconds since 1970. `now_ns` is the present, likewise.
 *
 *   +10s, +1m30s                  that long from now; see option_seconds()
 *   1767225600, 1767225600.5      seconds since 1970
 *   2026-01-01T00:00:00Z, 2026-01-01T01:00:00.5+01:00
 *                                 see load/rfc3339.h
 *
 * False if it is none of these. */
__attribute__((warn_unused_result)) bool load_start_at_parse(const char *text, int64_t now_ns,
                                                             int64_t *start_ns);

/* The present, in nanoseconds since 1970. */
int64_t load_start_at_now(void);

/* Sleeps until then. Follows a clock that is set meanwhile. */
void load_start_at_wait(int64_t start_ns);

#endif
