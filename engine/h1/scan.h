/*
 * h1/scan.h - finds where runs of bytes end, many bytes at a time where the processor can; and plain twins,
 * which do the same everywhere, and which tests compare.
 *
 * Nothing is read at or beyond `end`.
 */
#ifndef WEIR_H1_SCAN_H
#define WEIR_H1_SCAN_H

#include "engine/base/machine.h"

/* The first byte that no field value has: a control character other than HTAB (RFC 9110 section 5.5). */
const uint8_t *h1_scan_text(const uint8_t *at, const uint8_t *end);
const uint8_t *h1_scan_text_plain(const uint8_t *at, const uint8_t *end);

/* The first byte that no target has: SP, a control character, '#', or one above 0x7e. */
const uint8_t *h1_scan_target(const uint8_t *at, const uint8_t *end);
const uint8_t *h1_scan_target_plain(const uint8_t *at, const uint8_t *end);

/* Bytes of a name that h1_scan_name() looks at, and room that it needs. Derived from the longest known
 * name, in whole vectors. */
enum { H1_SCAN_NAME_BYTES = 64 };

/* The bytes before the first ':' of the first H1_SCAN_NAME_BYTES, in lower case, are put to `lower`, which
 * has room for that many. Returns their number; all that there were without a colon among them. */
size_t h1_scan_name(const uint8_t *at, const uint8_t *end, uint8_t *lower);
size_t h1_scan_name_plain(const uint8_t *at, const uint8_t *end, uint8_t *lower);

#endif
