/*
 * trace/show.h - what the outputs show: one record, or two to compare.
 */
#ifndef WEIR_TRACE_SHOW_H
#define WEIR_TRACE_SHOW_H

#include "tools/trace/manifest.h"
#include "tools/trace/options.h"
#include "tools/trace/record.h"

struct trace_show {
  const struct trace_manifest *manifest;
  const struct trace_record *records;
  unsigned count; /* 1 or 2 */
  const struct trace_options *options;
};

#endif
