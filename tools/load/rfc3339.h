/*
 * load/rfc3339.h - times as "2026-01-01T01:00:00.5+01:00".
 * Spec: RFC 3339 section 5.6; no leap second. A fraction has nine digits at most.
 */
#ifndef WEIR_LOAD_RFC3339_H
#define WEIR_LOAD_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

/* Into nanoseconds since 1970, which may be negative. False if the text is no such time, or one before
 * 1678 or beyond 2262. */
__attribute__((warn_unused_result)) bool load_rfc3339_parse(const char *text, int64_t *ns);

/* Reads ".5" at `text`, up to nine digits, as nanoseconds. Returns what follows; without a point,
 * `text`. NULL: no digits, or more. */
const char *load_rfc3339_fraction(const char *text, int64_t *ns);

#endif
