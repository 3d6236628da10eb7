/*
 * common/option_values.h - options and values that several commands take. A function that returns bool returns
 * false for a value that it does not understand. It then leaves `out` alone, and the caller reports the error.
 */
#ifndef WEIR_TOOLS_OPTION_VALUES_H
#define WEIR_TOOLS_OPTION_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/http/headers.h"
#include "tools/common/limits.h"

/* Decimal digits alone, between `min` and `max`. */
__attribute__((warn_unused_result)) bool option_number(const char *text, uint64_t min, uint64_t max,
                                                       uint64_t *out);

/* "200K", "1.5M", "65535": K and M (and k, m) are thousands and millions, as rates are. */
__attribute__((warn_unused_result)) bool option_bytes(const char *text, double *out);

/* A field that a request may have: "name: value". */
__attribute__((warn_unused_result)) bool option_field_check(const char *text);

/* Makes a field of text that option_field_check() liked: its name in lower case in `name`, its
 * value in `text`; both are kept. False when the name is too long. */
__attribute__((warn_unused_result)) bool
option_field_read(const char *text, char name[OPTION_FIELD_NAME_BYTES], struct header *out);

/* Appends `field`, or replaces the one of that name. The array has room for one more. */
void option_field_set(struct header *fields, size_t *count, struct header field);

#endif
