/*
 * worker/idle.h - which cores nobody keeps busy, for programs that measure and want one to themselves.
 *
 * Linux counts in /proc/stat how each core has spent its time, in hundredths of a second. Two
 * readings, some hundredths apart, tell what happened between them.
 */
#ifndef WEIR_IO_IDLE_H
#define WEIR_IO_IDLE_H

#include <sched.h>
#include <stdint.h>

struct idle_reading {
  uint64_t busy[CPU_SETSIZE], all[CPU_SETSIZE]; /* hundredths of a second, since boot */
};

/* Reads "/proc/stat", or in tests a file like it. Cores that it does not name count as idle. */
void idle_read(struct idle_reading *reading, const char *path);

/* The cores of the calling thread's affinity mask that were busy for less than half of the time
 * between two readings, the last one first. Writes at most `max` and returns how many. */
unsigned idle_cores(const struct idle_reading *before, const struct idle_reading *after,
                    unsigned max, int *cores);

#endif
