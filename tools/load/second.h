/*
 * load/second.h - what one worker, or all, did in a stretch of time: a second, unless a thread was
 * kept from answering for longer.
 *
 * A worker counts and records times since its start. It keeps a copy of what it had at the last look;
 * the difference is the second. So requests cost nothing more, and a look some ten microseconds.
 */
#ifndef WEIR_LOAD_SECOND_H
#define WEIR_LOAD_SECOND_H

#include "tools/load/books.h"

struct load_second {
  uint64_t begin_ns, end_ns;                /* on the clock of clock_now_ns(); equal: nothing */
  uint64_t started, done, failed;           /* requests */
  double asked;                             /* open loop: requests that were due */
  uint64_t bytes_in;                        /* on the sockets */
  uint64_t in_flight, backlog, connections; /* at the end: requests, due and unsent, open */
  double busy;                              /* of the busiest thread, 0 to 1 */
  struct load_histogram latency, lateness;  /* of successes; of the worker's own wake-ups */
};

/* What a worker had at the last look. */
struct load_tally {
  uint64_t begin_ns; /* when that was, or when the worker began to measure; 0: it has not */
  uint64_t cpu_ns;
  uint64_t started, done, failed, bytes_in;
  uint64_t due; /* --replay: requests that were due */
  struct load_histogram latency, lateness;
};

/* Writes what the worker has done since the last look to `second`, and looks. On the worker's thread,
 * or after it has ended. Nothing is counted before the worker measures. */
void load_second_take(struct load_tally *tally, const struct load_books *books,
                      struct load_second *second);

/* Adds what another worker did at the same time. */
void load_second_merge(struct load_second *sum, const struct load_second *from);

#endif
