/*
 * load/run.h - one run of `weir load`: looks up, starts the workers, waits, adds up.
 *
 * SIGINT and SIGTERM end a run early, with what was measured so far; a second one at once. One run
 * at a time, since signals belong to the process.
 */
#ifndef WEIR_LOAD_RUN_H
#define WEIR_LOAD_RUN_H

#include "tools/load/options.h"
#include "tools/load/stats.h"

struct load_fairness {
  unsigned connections;
  uint64_t min, max; /* requests done on one connection */
  double mean;
};

struct load_report {
  const struct load_options *options;
  char origin[URL_ORIGIN_BYTES];
  uint64_t total; /* requests that were to be made; by duration: that were started */
  struct load_stats sum;
  struct load_fairness fairness;
  double busy[256]; /* of each worker: part of the time in which it used a CPU */
  unsigned workers;
};

enum load_run_result {
  LOAD_RUN_DONE,
  LOAD_RUN_WRONG,  /* the command line: exit 2, with `error` */
  LOAD_RUN_FAILED, /* nothing could be tried: exit 1, with `error` */
};

/* Fills `report`, whatever became of the requests. `failure` gets one line. */
__attribute__((warn_unused_result)) enum load_run_result
load_run(const struct load_options *options, struct load_report *report,
         const struct failure *failure);

#endif
