/*
 * trace/fetch.h - one run: dials the origins, asks for the resources when their time has come, and
 * fills a record.
 *
 * Runs on one worker of its own and returns when every resource has ended, or the time is up.
 * Names are looked up before the clock starts. SIGINT and SIGTERM end a run early: what has not
 * happened until then is missing in the record. One run at a time.
 */
#ifndef WEIR_TRACE_FETCH_H
#define WEIR_TRACE_FETCH_H

#include "tools/trace/manifest.h"
#include "tools/trace/options.h"

/* Fetches `manifest` relative to `base` into `record` (initialised, with as many results as the
 * manifest has resources). False when nothing could be tried at all, with one line in `error`; what
 * befell single resources and connections is in the record. */
__attribute__((warn_unused_result)) bool
trace_fetch(const struct trace_options *options, const struct trace_manifest *manifest,
            const struct url *base, struct trace_record *record, char *error, size_t error_size);

/* A signal has ended the run early. */
bool trace_interrupted(void);

#endif
