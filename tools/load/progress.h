/*
 * load/progress.h - what is known of a run while it goes on, for its display: on a terminal in place
 * (load/live.h), elsewhere as one line a second.
 */
#ifndef WEIR_LOAD_PROGRESS_H
#define WEIR_LOAD_PROGRESS_H

#include "tools/load/second.h"

struct load_progress {
  const struct load_options *options;
  uint64_t now_ns, run_begin_ns;  /* on the clock of clock_now_ns() */
  uint64_t measured_ns;           /* when measuring began; 0: not yet */
  uint64_t done, failed;          /* since then */
  const struct load_second *last; /* the last second */
  /* Successes a second and p99 in ns, of the last seconds, the oldest first. */
  double spark_rates[LOAD_SPARK_MAX], spark_p99s[LOAD_SPARK_MAX];
  unsigned spark_count;
};

/* Counts the second `last`. */
void load_progress_add(struct load_progress *progress);

/* Successes a second, in the last second. */
double load_progress_rate(const struct load_progress *progress);

/* How far the run is, 0 to 1, and the time that is left. A negative time is unknown. */
double load_progress_part(const struct load_progress *progress, double *left_seconds);

/* Requests a second that were due in the last second; 0 in a closed loop. */
double load_progress_asked(const struct load_progress *progress);

/* The part of them that was started, or -1 in a closed loop. */
double load_progress_kept(const struct load_progress *progress);

/* Writes one line without the newline. */
void load_progress_line(const struct load_progress *progress, char *line, size_t size);

#endif
