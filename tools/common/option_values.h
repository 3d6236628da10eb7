/*
 * common/option_values.h - values of options that several commands take. Each function returns false for
 * what it does not understand, and leaves `out` alone then; what to say about it is the caller's.
 */
#ifndef WEIR_TOOLS_OPTION_VALUES_H
#define WEIR_TOOLS_OPTION_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/http/headers.h"

/* Decimal digits alone, between `min` and `max`. */
__attribute__((warn_unused_result)) bool option_number(const char *text, uint64_t min, uint64_t max,
                                                       uint64_t *out);

/* "200K", "1.5M", "65535": K and M (and k, m) are thousands and millions, as rates are. */
__attribute__((warn_unused_result)) bool option_bytes(const char *text, double *out);

/* A field that a request may have: "name: value". */
__attribute__((warn_unused_result)) bool option_field_check(const char *text);

/* Longest name of such a field. Arbitrary, beyond any that is in use. */
enum { OPTION_FIELD_NAME_BYTES = 64 };

/* Makes a field of text that option_field_check() liked: its name in lower case in `name`, its
 * value in `text`; both are kept. False when the name is too long. */
__attribute__((warn_unused_result)) bool
option_field_read(const char *text, char name[OPTION_FIELD_NAME_BYTES], struct header *out);

/* Appends `field`, or replaces the one of that name. The array has room for one more. */
void option_field_set(struct header *fields, size_t *count, struct header field);

#endif
