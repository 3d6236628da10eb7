/*
 * common/option_values.h - values that options of several commands take. Functions that return bool
 * return false for values that they do not understand. They leave `out` alone then, and the caller
 * reports the error.
 */
#ifndef WEIR_TOOLS_OPTION_VALUES_H
#define WEIR_TOOLS_OPTION_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/http/headers.h"
#include "tools/common/limits.h"

/* Parses decimal digits. The value must lie between `min` and `max`. */
__attribute__((warn_unused_result)) bool option_number(const char *text, uint64_t min, uint64_t max,
                                                       uint64_t *out);

/* Parses "200K", "1.5M" or "65535". K and M (and k, m) are thousands and millions, as in rates. */
__attribute__((warn_unused_result)) bool option_bytes(const char *text, double *out);

/* Parses a time of 0 to 24 h: "10" (seconds), "1.5s", "500ms", "100us", "1h", "1m30s". */
__attribute__((warn_unused_result)) bool option_seconds(const char *text, double *out);

/* Parses a rate: "500" (a second), "0.5", "2k", "2k/s", "30/m", "30/1m". k and M are thousands and
 * millions. `*out` is per second and positive. */
__attribute__((warn_unused_result)) bool option_rate(const char *text, double *out);

/* Whether `text` is a request field: "name: value". */
__attribute__((warn_unused_result)) bool option_field_check(const char *text);

/* Converts text that option_field_check() accepted into a field. The name is in lower case in
 * `name`, the value in `text`; both are kept. False when the name is too long. */
__attribute__((warn_unused_result)) bool
option_field_read(const char *text, char name[OPTION_FIELD_NAME_BYTES], struct header *out);

/* Appends `field`, or replaces the one of that name. The array has room for one more. */
void option_field_set(struct header *fields, size_t *count, struct header field);

#endif
