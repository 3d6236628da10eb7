/*
 * worker/limits.h - the bounds of workers: unit, value and reason. The rules are those of base/limits.h.
 */
#ifndef WEIR_IO_WORKER_LIMITS_H
#define WEIR_IO_WORKER_LIMITS_H

#include "io/base/limits.h"

/* CPU time after which a turn is long, about the jitter that a video call notices. No peer can make
 * one; they are counted to see that. Turns are measured once one has been slow by the clock. */
#define IO_TURN_LONG_NS (10 * IO_MILLISECOND)
#define IO_TURN_SLOW_NS IO_MILLISECOND

/* Average time of a batch's completions beyond which the next ones are reaped one by one: four completions,
 * each with a hundred requests that refer to 4 KB by an octet, would take longer than a turn may. */
#define IO_COMPLETION_SLOW_NS (IO_MILLISECOND / 2)

/* How long the end of a worker waits for operations that do not obey their cancellation.
 * Untested: a test has no such operation; those of the disk would need a disk that hangs. */
#define IO_END_WAIT_NS (5 * IO_SECOND)

/* Niceness of threads that do work beside the loops (worker/jobs.h): when cores are short, the loops get ten times as
 * much of them. Untested: another value only shifts that. */
#define JOBS_NICE 10

#endif
