/*
 * trace/fetch.h - one run: connects to the origins, requests each resource at its time, and fills a
 * record.
 *
 * A run has its own worker, and returns when every resource is done or the time is up. Names are
 * resolved before the clock starts. SIGINT and SIGTERM end a run early. One run at a time.
 */
#ifndef WEIR_TRACE_FETCH_H
#define WEIR_TRACE_FETCH_H

#include "tools/common/failure.h"
#include "tools/trace/manifest.h"
#include "tools/trace/options.h"
#include "tools/trace/record.h"

/* Fetches `manifest` relative to `base` into `record`, which is initialised for as many results as
 * the manifest has resources. False with one line in `failure` when the run could not start.
 * Failures of single resources and connections are in the record. */
__attribute__((warn_unused_result)) bool
trace_fetch(const struct trace_options *options, const struct trace_manifest *manifest,
            const struct url *base, struct trace_record *record, const struct failure *failure);

#endif
