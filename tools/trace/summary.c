/*
 * trace/summary.c - see trace/summary.h.
 */
#include "tools/trace/summary.h"

static void latest(uint64_t *so_far, uint64_t at_ns) {
  if (*so_far != TRACE_NEVER && (at_ns == TRACE_NEVER || at_ns > *so_far)) *so_far = at_ns;
}

struct trace_summary trace_summarize(const struct trace_record *record,
                                     const struct trace_manifest *manifest) {
  struct trace_summary sum = {.resources = (unsigned)record->result_count};
  for (size_t i = 0; i < record->result_count; i++) {
    const struct trace_result *result = &record->results[i];
    uint64_t end_ns = result->complete ? result->end_ns : TRACE_NEVER;
    sum.bytes += result->bytes;
    sum.complete += result->complete;
    sum.failed += result->failed;
    latest(&sum.end_ns, end_ns);
    if (manifest->at[i].critical) {
      sum.critical++;
      sum.critical_complete += result->complete;
      latest(&sum.critical_ns, end_ns);
    }
    /* An SVG is text, without a size in its first bytes, so it does not count. */
    if (result->kind != TRACE_IMAGE) continue;
    if (result->complete && result->size_ns == TRACE_NEVER) continue;
    sum.images++;
    sum.images_sized += result->size_ns != TRACE_NEVER;
    latest(&sum.dimensions_ns, result->size_ns);
  }
  if (!sum.critical) sum.critical_ns = TRACE_NEVER;
  if (!sum.images) sum.dimensions_ns = TRACE_NEVER;
  return sum;
}
