/*
 * trace/explain.h - why resources failed. Often this is known only after the run: a stream ends
 * first, its connection later.
 */
#ifndef WEIR_TRACE_EXPLAIN_H
#define WEIR_TRACE_EXPLAIN_H

#include "tools/trace/record.h"

/* For each resource whose stream ended early: writes the reason, its own or its connection's. */
void trace_explain(struct trace_record *record);

#endif
