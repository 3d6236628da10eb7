/*
 * support/shifted_clock.h - lets hours pass on one of the kernel's clocks, for the program that
 * links it: clock_gettime() is defined here, in front of libc's. Clocks that no test has shifted
 * are the kernel's.
 */
#ifndef WEIR_TESTS_SHIFTED_CLOCK_H
#define WEIR_TESTS_SHIFTED_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Puts `clock` that many seconds ahead of the kernel's; 0 puts it back. Only one clock is
 * shifted at a time. Any thread may call it, and all threads see it. */
void shifted_clock_set(clockid_t clock, int64_t seconds);

/* Likewise, relative to the current shift. */
void shifted_clock_add(clockid_t clock, int64_t seconds);
void shifted_clock_add_ns(clockid_t clock, int64_t ns);

#endif
