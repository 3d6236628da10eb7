/*
 * base/clock.h - the clocks that io/ reads, in nanoseconds. Any thread; neither call fails.
 */
#ifndef WEIR_IO_CLOCK_H
#define WEIR_IO_CLOCK_H

#include <stdint.h>

/* Time since some moment in the past; it only moves forward. All deadlines are on this clock. */
uint64_t clock_now_ns(void);

/* CPU time that the calling thread has used. A system call, unlike clock_now_ns(). */
uint64_t clock_thread_cpu_ns(void);

#endif
