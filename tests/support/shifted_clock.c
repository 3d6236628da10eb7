/*
 * support/shifted_clock.c - lets hours pass on one of the kernel's clocks.
 */
#include "tests/support/shifted_clock.h"

#include <sys/syscall.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

static _Atomic int64_t ahead_ns;
static _Atomic clockid_t shifted;

/* No thread may see the shift of one clock on another. */
static void set_ns(clockid_t clock, int64_t ns) {
  if (clock != shifted) ahead_ns = 0;
  shifted = clock;
  ahead_ns = ns;
}

void shifted_clock_set(clockid_t clock, int64_t seconds) {
  set_ns(clock, seconds * SECOND_NS);
}

void shifted_clock_add_ns(clockid_t clock, int64_t ns) {
  set_ns(clock, (clock == shifted ? ahead_ns : 0) + ns);
}

void shifted_clock_add(clockid_t clock, int64_t seconds) {
  shifted_clock_add_ns(clock, seconds * SECOND_NS);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (result != 0 || clock != shifted) return result;
  int64_t ns = now->tv_nsec + ahead_ns;
  now->tv_sec += ns / SECOND_NS;
  now->tv_nsec = ns % SECOND_NS;
  return 0;
}
