/*
 * spdy/accept.h - SYN_STREAM of the peer: a request, a raw stream, or a push.
 * Spec: SPDY/3.1 sections 2.3.2, 2.6.1, 3.2.1 and 3.3.2.
 */
#ifndef WEIR_SPDY_ACCEPT_H
#define WEIR_SPDY_ACCEPT_H

#include "engine/http/headers.h"
#include "engine/spdy/frame.h"

struct spdy;

/* What the frame earns before its block is read. On SPDY_ACCEPT its identifier is taken; it must be followed by
 * spdy_accept(). SPDY_IGNORE: after our GOAWAY. */
__attribute__((warn_unused_result)) struct spdy_verdict
spdy_accept_check(struct spdy *spdy, const struct spdy_frame *frame);

/* The block was read: opens the stream, and gives it to the handler. `malformed`: the block was. */
void spdy_accept(struct spdy *spdy, const struct spdy_frame *frame, struct headers *fields,
                 bool malformed);

#endif
