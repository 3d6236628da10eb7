/*
 * load/series.h - a run second by second: the rows that plots are made of.
 *
 * Memory is bounded however long the run is. A row keeps the buckets of its histograms that are not
 * empty, so rows can be merged without loss. When LOAD_SERIES_ROWS_MAX rows are full, each two
 * neighbours become one, and later rows are that long, too: 1 s each at first, then 2 s, 4 s ...
 *
 * Owner: the main thread. Unit: nanoseconds.
 */
#ifndef WEIR_LOAD_SERIES_H
#define WEIR_LOAD_SERIES_H

#include "tools/load/second.h"

/* A histogram's buckets that are not empty, the lowest first. */
struct load_bucket {
  uint64_t index : 16, count : 48;
};
struct load_buckets {
  struct load_bucket *at; /* owned; NULL if there are none */
  unsigned count;
  uint64_t sum_ns, min_ns, max_ns;
};

struct load_row {
  uint64_t begin_ns, end_ns; /* since the run's measuring began */
  double asked;              /* open loop: requests that were due */
  uint64_t started, done, failed, bytes_in;
  uint64_t in_flight, backlog, connections; /* at the end */
  double busy;                              /* of the busiest thread; the most of its seconds */
  struct load_buckets latency, lateness;
};

struct load_series {
  struct load_row *rows; /* owned; NULL while there are none */
  unsigned count;
  unsigned seconds_each;    /* how many seconds a row takes up: 1, 2, 4 ... */
  unsigned seconds_of_last; /* how many the last row has taken up */
  uint64_t begin_ns;        /* on the clock of clock_now_ns() */
  bool lost;                /* memory was refused, so there are no rows */
};

/* Adds a second that comes after all others. Seconds in which nothing was measured are left out. Less
 * than half a second is added to the last row. */
void load_series_add(struct load_series *series, const struct load_second *second);

/* Also for one that is all zeros. */
void load_series_free(struct load_series *series);

/* Fills `histogram` with the values. */
void load_buckets_expand(const struct load_buckets *buckets, struct load_histogram *histogram);

#endif
