/*
 * report/merge.h - adds results up that were measured at the same time.
 *
 * Counts are added. Histograms are added, and the percentiles beside them computed anew, so that
 * they are exactly those of all requests. Rows of the series that cover the same time are added,
 * stages by their number, errors by kind and code. Of durations and ages the longest counts, from
 * the first start to the last end; options that are amounts (requests, connections, rate) are added.
 * A percentile without its histogram cannot be added: it becomes null.
 */
#ifndef WEIR_REPORT_MERGE_H
#define WEIR_REPORT_MERGE_H

#include <jansson.h>

#include "tools/common/failure.h"

/* Names the first option, or protocol, in which two results differ, that were meant to be the same:
 * "timeout_ns", "protocol". NULL if there is none. Machines may differ in threads, seeds and the time
 * of the start. The text lives as long as the results. */
__attribute__((warn_unused_result)) const char *report_merge_conflict(const json_t *sum,
                                                                      const json_t *from);

/* Adds `from` to `sum`, both checked by report_result_read(). False: no memory, or parts that
 * should be histograms are none; `sum` is then useless. */
__attribute__((warn_unused_result)) bool report_merge_add(json_t *sum, const json_t *from);

/* To be called once, after the last one: the verdict, and rates of the whole. `count` results were
 * added. False: no memory. */
__attribute__((warn_unused_result)) bool report_merge_end(json_t *sum, unsigned count);

#endif
