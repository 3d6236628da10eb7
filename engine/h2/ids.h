/*
 * h2/ids.h - stream identifiers: which streams live, and how the others ended.
 * Spec: RFC 9113 sections 5.1 and 5.1.1.
 * Memory: the connection's; H2_RESETS_REMEMBERED and H2_CLOSED_REMEMBERED bound it.
 */
#ifndef WEIR_H2_IDS_H
#define WEIR_H2_IDS_H

#include "engine/h2/stream.h"

/* Whether streams with this identifier are opened by us. */
bool h2_is_own_id(const struct h2 *h2, uint32_t id);

/* The live stream, or NULL. */
struct h2_stream *h2_find(const struct h2 *h2, uint32_t id);

/* The stream has ended in `state`. The latest are remembered. */
void h2_remember_closed(struct h2 *h2, uint32_t id, enum h2_state state);

/* The state of any identifier. One that is not remembered was closed long ago or, if never used, by
 * a higher one (section 5.1.1). A client may have reset many at once, and their responses are still
 * on their way: it cannot tell these from others that are as old, and takes all for reset. */
enum h2_state h2_state_of(const struct h2 *h2, uint32_t id);

#endif
