/*
 * h2/section.h - a header section that waits to be sent, and how it becomes frames.
 * Spec: RFC 9113 sections 4.3, 6.2, 6.6 and 6.10.
 *
 * Fields are copied when a handler gives them, or lent as a set that stays; they are encoded when
 * they are sent, not before: the order of the wire is the order of the HPACK encoder, and what is
 * withdrawn leaves no trace there.
 * Memory: shared->sections for most copies, http->memory for large ones; a section whose fields
 * are lent is embedded in its stream.
 */
#ifndef WEIR_H2_SECTION_H
#define WEIR_H2_SECTION_H

#include "engine/h2/stream.h"

struct h2;

/* A copy of the fields; names that have a token are static and stay where they are. NULL: encoded
 * it could be larger than H2_SEND_BLOCK_BYTES_MAX, or memory was refused. */
__attribute__((warn_unused_result)) struct h2_section *
h2_section_make(struct h2 *h2, const struct header *fields, size_t count);

/* The same with fields that `set` lends until the section is freed; `section` is embedded. False:
 * encoded they could be too large. */
__attribute__((warn_unused_result)) bool h2_section_lend(struct h2 *h2, struct header_set *set,
                                                         struct h2_section *section);

/* NULL is allowed. */
void h2_section_free(struct h2 *h2, struct h2_section *section);

/* Bytes that h2_section_write() may need. */
size_t h2_section_room(const struct h2 *h2, const struct h2_section *section);

/* Encodes the section as frames of `stream_id` at `out`, which has that room; returns the end. */
uint8_t *h2_section_write(struct h2 *h2, const struct h2_section *section, uint32_t stream_id,
                          uint8_t *out);

#endif
