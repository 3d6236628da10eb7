/*
 * spdy/response.h - header sections of responses, as they are sent.
 * Spec: SPDY/3.1 section 3.2.2.
 */
#ifndef WEIR_SPDY_RESPONSE_H
#define WEIR_SPDY_RESPONSE_H

#include "engine/spdy/stream.h"

/* Queues the header section of a response: SYN_REPLY, or for a push HEADERS; `date` and `server` are added
 * where they are absent. `fin`: no body follows. False when it is too large, or memory was refused. */
__attribute__((warn_unused_result)) bool spdy_response_queue(struct spdy_stream *stream,
                                                             unsigned status,
                                                             const struct header *fields,
                                                             size_t count, bool fin);

#endif
