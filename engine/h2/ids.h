/*
 * h2/ids.h - stream identifiers: which streams live, and how the others ended.
 * Spec: RFC 9113 sections 5.1 and 5.1.1.
 * Memory: part of the connection; bounded by H2_RESETS_REMEMBERED and H2_CLOSED_REMEMBERED.
 */
#ifndef WEIR_H2_IDS_H
#define WEIR_H2_IDS_H

#include "engine/h2/stream.h"

/* Whether we open the streams with this identifier. */
bool h2_is_own_id(const struct h2 *h2, uint32_t id);

/* The live stream, or NULL. */
struct h2_stream *h2_find(const struct h2 *h2, uint32_t id);

/* Remembers that the stream has ended in `state`, for as long as it is among the last. */
void h2_remember_closed(struct h2 *h2, uint32_t id, enum h2_state state);

/* The state of any identifier, used or not. */
enum h2_state h2_state_of(const struct h2 *h2, uint32_t id);

#endif
