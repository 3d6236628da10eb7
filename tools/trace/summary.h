/*
 * trace/summary.h - the totals of a record.
 */
#ifndef WEIR_TRACE_SUMMARY_H
#define WEIR_TRACE_SUMMARY_H

#include "tools/trace/manifest.h"
#include "tools/trace/record.h"

struct trace_summary {
  unsigned resources, complete, failed;
  unsigned critical, critical_complete;
  unsigned images, images_sized;
  uint64_t bytes;         /* of bodies */
  uint64_t critical_ns;   /* the last critical resource is complete; TRACE_NEVER if one never is */
  uint64_t dimensions_ns; /* the dimensions of all images are known; TRACE_NEVER likewise */
  uint64_t end_ns;        /* everything is complete; TRACE_NEVER likewise */
};

struct trace_summary trace_summarize(const struct trace_record *record,
                                     const struct trace_manifest *manifest);

#endif
