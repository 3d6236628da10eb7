/*
 * http/priority_field.h - the value of a `priority` field, or of a PRIORITY_UPDATE frame.
 * Spec: RFC 9218 sections 4, 5 and 8; RFC 8941 section 4.2.2 (dictionaries).
 *
 * Parsing is total: any bytes give an answer and none of them is an error of the peer. Unknown
 * members, values of another type and urgencies beyond 7 are ignored one by one; a value that is
 * not a dictionary is ignored as a whole.
 */
#ifndef WEIR_PRIORITY_FIELD_H
#define WEIR_PRIORITY_FIELD_H

#include "engine/base/machine.h"

#define PRIORITY_URGENCY_MAX     7u /* background; fixed by RFC 9218 section 4.1 */
#define PRIORITY_URGENCY_DEFAULT 3u

struct priority_field {
  uint8_t urgency;      /* 0 (first) .. 7; PRIORITY_URGENCY_DEFAULT unless has_urgency */
  bool incremental;     /* false unless has_incremental */
  bool has_urgency;     /* `u` was there and valid */
  bool has_incremental; /* `i` was there and valid */
  bool malformed;       /* not a dictionary: everything else is at its default */
};

#define PRIORITY_FIELD_NONE ((struct priority_field){.urgency = PRIORITY_URGENCY_DEFAULT})

/* Reads one field line into `field`, which is PRIORITY_FIELD_NONE before the first line. Lines of
 * one section make one dictionary (RFC 8941 section 4.2): a later member replaces an earlier one,
 * and a malformed line spoils all of them. Borrows `value`. */
void priority_field_parse(struct priority_field *field, struct span value);

/* Writes the shortest field value of the two parameters to `out` (PRIORITY_FIELD_TEXT_MAX bytes)
 * and returns its length; 0 when both are at their default. */
#define PRIORITY_FIELD_TEXT_MAX 6u /* "u=5, i": derived from the format */
size_t priority_field_write(uint8_t *out, uint8_t urgency, bool incremental);

#endif
