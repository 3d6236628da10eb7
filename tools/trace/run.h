/*
 * trace/run.h - what the parts of one run share: its orders, its record, its clock and its end.
 */
#ifndef WEIR_TRACE_RUN_H
#define WEIR_TRACE_RUN_H

#include "engine/engine.h"
#include "io/worker/group.h"
#include "tools/trace/manifest.h"
#include "tools/trace/options.h"
#include "tools/trace/tap.h"

struct trace_run {
  const struct trace_options *options;
  const struct trace_manifest *manifest;
  struct trace_record *record;
  struct worker *worker;
  struct engine engine;
  bool has_engine;
  struct trace_bucket bucket; /* the link's rate */
  struct timer end_timer;     /* the time is up, or the run is over */
  bool over;
};

/* The record's clock now. */
uint64_t trace_run_now_ns(const struct trace_run *run);

/* Makes the engine; begins the record. False when memory was refused. `on_end` is called in the
 * worker's own time, when the time is up or the run is over. */
__attribute__((warn_unused_result)) bool
trace_run_begin(struct trace_run *run, struct worker *worker,
                void (*on_end)(struct timer *timer, uint64_t now_ns));

/* All is done. May be called from within a machine, which must not be told to drain there: `on_end`
 * follows. */
void trace_run_end(struct trace_run *run);

/* After the worker's end. */
void trace_run_free(struct trace_run *run);

#endif
