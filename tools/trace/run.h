/*
 * trace/run.h - what the modules of one run share: its options, record, clock and end.
 */
#ifndef WEIR_TRACE_RUN_H
#define WEIR_TRACE_RUN_H

#include "engine/engine.h"
#include "io/worker/group.h"
#include "tools/trace/bucket.h"
#include "tools/trace/manifest.h"
#include "tools/trace/options.h"
#include "tools/trace/record.h"

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

/* The current time on the record's clock. */
uint64_t trace_run_now_ns(const struct trace_run *run);

/* Creates the engine and starts the record's clock. False when memory was refused. `on_end` is
 * called when the time is up or the run is over, outside of any machine's call. */
__attribute__((warn_unused_result)) bool
trace_run_begin(struct trace_run *run, struct worker *worker,
                void (*on_end)(struct timer *timer, uint64_t now_ns));

/* Ends the run; `on_end` follows. May be called from within a machine's call. */
void trace_run_end(struct trace_run *run);

/* To be called after the worker has ended. */
void trace_run_free(struct trace_run *run);

#endif
