/*
 * load/run.h - one run of `weir load`: resolves the host, starts the workers, waits, sums up.
 *
 * SIGINT, SIGTERM and a terminal that closes end a run early and keep what was measured. A second
 * signal ends it at once. SIGHUP prints a report so far.
 * Signals belong to the process, so there is one run at a time.
 */
#ifndef WEIR_LOAD_RUN_H
#define WEIR_LOAD_RUN_H

#include "tools/load/result.h"

enum load_run_result {
  LOAD_RUN_DONE,
  LOAD_RUN_WRONG,  /* wrong command line: exit 2, with one line in `failure` */
  LOAD_RUN_FAILED, /* could not start: exit 1, with one line in `failure` */
};

/* Fills `report`, even if requests failed. */
__attribute__((warn_unused_result)) enum load_run_result
load_run(const struct load_options *options, struct load_report *report,
         const struct failure *failure);

#endif
