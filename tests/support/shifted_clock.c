/*
 * support/shifted_clock.c - lets hours pass on one of the kernel's clocks.
 */
#include "tests/support/shifted_clock.h"

#include <sys/syscall.h>
#include <unistd.h>

static _Atomic int64_t ahead_seconds;
static _Atomic clockid_t shifted;

void shifted_clock_set(clockid_t clock, int64_t seconds) {
  ahead_seconds = 0;
  shifted = clock;
  ahead_seconds = seconds;
}

void shifted_clock_add(clockid_t clock, int64_t seconds) {
  shifted_clock_set(clock, (clock == shifted ? ahead_seconds : 0) + seconds);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (clock == shifted) now->tv_sec += ahead_seconds;
  return result;
}
