/*
 * support/shifted_clock.h - defines clock_gettime() for the program that includes it, so that a test can
 * make hours pass on one clock: SHIFTED_CLOCK, which it defines before.
 */
#ifndef WEIR_TEST_SHIFTED_CLOCK_H
#define WEIR_TEST_SHIFTED_CLOCK_H

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t shifted_seconds; /* how far it is ahead of the kernel's */

int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (clock == SHIFTED_CLOCK) now->tv_sec += shifted_seconds;
  return result;
}

#endif
