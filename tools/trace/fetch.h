/*
 * trace/fetch.h - one run: dials the origins, asks for the resources when their time has come, and fills
 * a record.
 *
 * It runs on one worker of its own and returns when every resource has ended, or the time is up.
 * Names are looked up before the clock starts. SIGINT and SIGTERM end a run early: the record then
 * lacks what had not happened yet. One run at a time.
 */
#ifndef WEIR_TRACE_FETCH_H
#define WEIR_TRACE_FETCH_H

#include "tools/common/failure.h"
#include "tools/trace/manifest.h"
#include "tools/trace/options.h"
#include "tools/trace/record.h"

/* Fetches `manifest` relative to `base` into `record` (initialised, with as many results as the
 * manifest has resources). False with one line in `failure` when nothing could be tried at all;
 * what happened to single resources and connections is in the record. */
__attribute__((warn_unused_result)) bool
trace_fetch(const struct trace_options *options, const struct trace_manifest *manifest,
            const struct url *base, struct trace_record *record, const struct failure *failure);

#endif
