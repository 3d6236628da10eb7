/*
 * trace/explain.h - why resources failed. It is often known only when the run is over: a stream
 * ends, and then its connection does.
 */
#ifndef WEIR_TRACE_EXPLAIN_H
#define WEIR_TRACE_EXPLAIN_H

#include "tools/trace/record.h"

/* Gives each resource whose stream was cut off its own reason, or its connection's. */
void trace_explain(struct trace_record *record);

#endif
