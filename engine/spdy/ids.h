/*
 * spdy/ids.h - stream identifiers: which streams live, and how the others ended.
 * Spec: SPDY/3.1 section 2.3.2.
 * Memory: part of the session; bounded by SPDY_CLOSED_REMEMBERED.
 */
#ifndef WEIR_SPDY_IDS_H
#define WEIR_SPDY_IDS_H

#include "engine/spdy/stream.h"

/* Whether we open the streams with this identifier: a client the odd ones. */
bool spdy_is_own_id(const struct spdy *spdy, uint32_t id);

/* The live stream, or NULL. */
struct spdy_stream *spdy_find(const struct spdy *spdy, uint32_t id);

/* Remembers that the stream has ended in `state`, for as long as it is among the last. */
void spdy_remember_closed(struct spdy *spdy, uint32_t id, enum spdy_state state);

/* The state of any identifier, used or not. */
enum spdy_state spdy_state_of(const struct spdy *spdy, uint32_t id);

#endif
