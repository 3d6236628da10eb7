/*
 * base/clock.c - clock_gettime(), in one unit.
 */
#include "io/base/clock.h"

#include "io/base/limits.h"

#include <time.h>

static uint64_t read_clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * IO_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ns(void) {
  return read_clock_ns(CLOCK_MONOTONIC);
}

uint64_t clock_thread_cpu_ns(void) {
  return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}
