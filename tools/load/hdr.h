/*
 * load/hdr.h - a histogram in HdrHistogram's compressed form, as base64 text.
 * Form: "V2 compressed" of HdrHistogram 2.1, as github.com/HdrHistogram reads and writes it.
 *
 * Nothing is lost. An HdrHistogram of two significant digits and unit 1 has 256 values in its first
 * bucket and 128 in each further power of two: the same buckets as load/histogram.h, with the same
 * indexes. Counts are written as they are, up to the last that is not 0, with two or more
 * zeros as their negative number. The reader's minimum and maximum are those of the outer buckets.
 */
#ifndef WEIR_LOAD_HDR_H
#define WEIR_LOAD_HDR_H

#include "tools/load/histogram.h"

/* Returns the text, with NUL; the caller frees it. NULL: no memory. */
__attribute__((warn_unused_result)) char *load_hdr_encode(const struct load_histogram *histogram);

#endif
