/*
 * h2/section.h - header sections that wait to be sent, and how they become frames.
 * Spec: RFC 9113 sections 4.3, 6.2, 6.6 and 6.10.
 *
 * The fields are a copy of the handler's, or are lent as a set. They are encoded when they are
 * sent, not before: blocks must leave in the order in which they were encoded, and one that was
 * encoded cannot be withdrawn.
 * Memory: shared->sections for most copies, http->memory for large ones. A section whose fields are
 * lent is embedded in its stream.
 */
#ifndef WEIR_H2_SECTION_H
#define WEIR_H2_SECTION_H

#include "engine/h2/set_note.h"
#include "engine/h2/stream.h"
#include "engine/hpack/limits.h"

struct h2;

/* What is noted about a set, when it is used first. */
struct h2_set_note h2_section_note(struct h2 *h2, struct header_set *set);

/* Bytes of the values that vary. */
size_t h2_section_varied_bytes(const struct header_set *set);

/* Copies the fields; names that have a token are static and are not copied. NULL when the encoded
 * section might exceed PEER_SEND_BLOCK_BYTES_MAX, or memory was refused. */
__attribute__((warn_unused_result)) struct h2_section *
h2_section_make(struct h2 *h2, const struct header *fields, size_t count);

/* The same for an embedded `section`, whose fields `set` lends until it is freed. False when the
 * encoded section might be too large. */
__attribute__((warn_unused_result)) bool h2_section_lend(struct h2 *h2, struct header_set *set,
                                                         struct h2_section *section);

/* `section` may be NULL. */
void h2_section_free(struct h2 *h2, struct h2_section *section);

/* The most bytes that h2_section_write() writes. */
size_t h2_section_room(const struct h2 *h2, const struct h2_section *section);

/* Encodes the section as frames of `stream_id` at `out`, which has that much room. Returns the end. */
uint8_t *h2_section_write(struct h2 *h2, const struct h2_section *section, uint32_t stream_id,
                          uint8_t *out);

/* The same for a request (status 0) or a final response whose fields are the set's, none of which varies, and whose
 * block is kept, in one step. `out` has H2_SECTION_AGAIN_BYTES (derived from the frame header and the longest block
 * that is kept). NULL when no block is kept: nothing has been encoded. */
enum { H2_SECTION_AGAIN_BYTES = H2_FRAME_HEADER_BYTES + HPACK_BLOCK_KEPT_BYTES_MAX };
uint8_t *h2_section_again(struct h2 *h2, const struct header_set *set, unsigned status,
                          uint32_t stream_id, bool end_stream, uint8_t *out);

#endif
