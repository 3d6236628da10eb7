/*
 * site/range.h - the byte ranges of a representation that a request asks for.
 * Spec: RFC 9110 section 14 (range requests). Unit: bytes.
 *
 * A request for more than SITE_RANGES_MAX ranges, or for ranges that overlap, is answered with the whole
 * representation, as section 14.2 allows: many small overlapping ranges are an attack (section 17.15).
 */
#ifndef WEIR_RANGE_H
#define WEIR_RANGE_H

#include "engine/base/machine.h"
#include "engine/site/limits.h"

struct range {
  uint64_t first; /* offset of the first byte */
  uint64_t count; /* at least 1 */
};

struct range_set {
  struct range at[SITE_RANGES_MAX]; /* in the request's order; none overlaps another */
  unsigned count;                   /* at least 1 */
};

enum range_result {
  RANGE_WHOLE,         /* no byte ranges, or too many: the field is ignored (section 14.2) */
  RANGE_PART,          /* *out was set: what can be satisfied, within 0 .. size_bytes */
  RANGE_UNSATISFIABLE, /* 416 (section 15.5.17) */
};

/* Reads the value of a Range field against a representation of `size_bytes` bytes. */
__attribute__((warn_unused_result)) enum range_result
range_parse(struct span value, uint64_t size_bytes, struct range_set *out);

/* "bytes first-last/size": derived from the longest numbers. */
enum { RANGE_TEXT_BYTES_MAX = 6 + 20 + 1 + 20 + 1 + 20 };

/* Content-Range of a 206: `bytes first-last/size`. Returns the length written to `out`. */
size_t range_format(uint8_t out[RANGE_TEXT_BYTES_MAX], struct range range, uint64_t size_bytes);

/* Content-Range of a 416: `bytes *` `/size`. */
size_t range_format_unsatisfied(uint8_t out[RANGE_TEXT_BYTES_MAX], uint64_t size_bytes);

#endif
