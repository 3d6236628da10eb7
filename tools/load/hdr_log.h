/*
 * load/hdr_log.h - a HdrHistogram log: interval histograms as lines of text, which the standard
 * plotters read.
 * Form: version 1.3, as HistogramLogWriter of HdrHistogram 2.1 writes it. Times in the log are
 * seconds after the start; histograms are in nanoseconds, the maximum beside them in milliseconds.
 */
#ifndef WEIR_LOAD_HDR_LOG_H
#define WEIR_LOAD_HDR_LOG_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/load/result.h"

/* Writes the log of a run: an interval of latencies for each row of its series, or one for the run
 * if it has no series; and one with the tag "failed", of requests that failed. A comment tells
 * if the run was interrupted. False: no memory, or `to` has an error. */
__attribute__((warn_unused_result)) bool load_hdr_log_write(const struct load_report *report,
                                                            FILE *to);

/* ---- parts ----------------------------------------------------------------------------------- */

/* Writes the head. `begin_unix_ns` is when the run began. Errors stay with `to`. */
void load_hdr_log_begin(FILE *to, int64_t begin_unix_ns);

/* Writes one interval, in nanoseconds after the beginning. `tag` has no comma or white space, or is
 * NULL. False: no memory. */
__attribute__((warn_unused_result)) bool load_hdr_log_add(FILE *to, const char *tag,
                                                          uint64_t begin_ns, uint64_t end_ns,
                                                          const struct load_histogram *histogram);

#endif
