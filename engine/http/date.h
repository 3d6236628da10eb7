/*
 * http/date.h - HTTP dates.
 * Spec: RFC 9110 section 5.6.7. Unit: seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
 */
#ifndef WEIR_HTTP_DATE_H
#define WEIR_HTTP_DATE_H

#include "engine/base/machine.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT": fixed by RFC 9110 section 5.6.7. */
enum { HTTP_DATE_BYTES = 29 };

/* Writes the IMF-fixdate form. A time outside the years 1 .. 9999 becomes the nearest one
 * inside. */
void http_date_format(int64_t unix_seconds, uint8_t out[HTTP_DATE_BYTES]);

/* Reads any of the three forms, the two obsolete ones included. `now_seconds` settles what the
 * two-digit year of the RFC 850 form means: the latest that is not more than 50 years ahead.
 * False, and *unix_seconds unchanged, for anything else. The weekday must be one, but not the
 * right one. */
__attribute__((warn_unused_result)) bool http_date_parse(struct span text, int64_t now_seconds,
                                                         int64_t *unix_seconds);

#endif
