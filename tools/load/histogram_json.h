/*
 * load/histogram_json.h - a histogram as a JSON object, exact and sparse.
 *
 *   {"unit": "ns", "part_bits": 7, "count": 3, "sum": 700, "min": 100, "max": 500,
 *    "buckets": [[100, 2], [378, 1]]}
 *
 * A bucket is [index, count], in the order of the index; empty buckets are left out. Below
 * 2^(part_bits + 1), the index is the value. Above, with shift = (index >> part_bits) - 1, the
 * bucket holds the 2^shift values from (index - (shift << part_bits)) << shift on. With count 0,
 * min and max are 0.
 */
#ifndef WEIR_LOAD_HISTOGRAM_JSON_H
#define WEIR_LOAD_HISTOGRAM_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "tools/load/histogram.h"

/* The caller owns the object. Returns NULL if there is no memory. */
__attribute__((warn_unused_result)) json_t *
load_histogram_to_json(const struct load_histogram *histogram);

/* Replaces `histogram`. Returns false if `json` (which may be NULL) is not such an object, or if
 * its parts contradict each other; `histogram` is then empty. */
__attribute__((warn_unused_result)) bool load_histogram_from_json(const json_t *json,
                                                                  struct load_histogram *histogram);

#endif
