/*
 * spdy/reply.h - SYN_REPLY and HEADERS of the peer, for streams that live.
 * Spec: SPDY/3.1 sections 2.6.2, 2.6.7 and 3.2.2.
 */
#ifndef WEIR_SPDY_REPLY_H
#define WEIR_SPDY_REPLY_H

#include "engine/http/headers.h"
#include "engine/spdy/stream.h"

/* A final response begins: tells the handler. `status` 0: it ended before it began, which resets the stream. */
void spdy_reply_begin(struct spdy *spdy, struct spdy_stream *stream, unsigned status, bool fin,
                      const struct headers *fields);

/* The block of such a frame was read. Its verdict is for the caller to act on. */
__attribute__((warn_unused_result)) struct spdy_verdict spdy_reply(struct spdy *spdy,
                                                                   struct spdy_stream *stream,
                                                                   const struct spdy_frame *frame,
                                                                   struct headers *fields);

#endif
