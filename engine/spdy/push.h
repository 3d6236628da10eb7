/*
 * spdy/push.h - pushed streams: unidirectional, and associated to the stream of the page that needs them.
 * Spec: SPDY/3.1 section 3.3.
 */
#ifndef WEIR_SPDY_PUSH_H
#define WEIR_SPDY_PUSH_H

#include "engine/spdy/stream.h"

/* Server: sends SYN_STREAM with the URL of a request that the client has not made, and gives that request to
 * the handler; its response follows in HEADERS. NULL: the client, or a limit, does not allow it. */
struct stream *spdy_push(struct spdy_stream *page, const struct header *fields, size_t count);

/* The stream `page_id` was cancelled: whoever cancels it wants none of its pushes (section 3.3.2). They end, in
 * `state`. */
void spdy_push_cancel(struct spdy *spdy, uint32_t page_id, enum spdy_state state);

/* Client: the SYN_STREAM of a push was read. */
void spdy_push_received(struct spdy *spdy, const struct spdy_frame *frame, struct headers *fields,
                        bool malformed);

#endif
