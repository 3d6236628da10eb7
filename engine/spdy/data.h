/*
 * spdy/data.h - DATA of the peer.
 * Spec: SPDY/3.1 sections 2.2.2 and 2.3.5.
 */
#ifndef WEIR_SPDY_DATA_H
#define WEIR_SPDY_DATA_H

#include "engine/spdy/stream.h"

/* The header of a DATA frame: returns the stream that gets its bytes, NULL if none does, which may be an error or
 * not. */
struct spdy_stream *spdy_data_begin(struct spdy *spdy, const struct spdy_frame_header *header);

/* Bytes of the frame, for `stream`, or to be dropped (NULL); `fin`: they end the peer's direction. */
void spdy_data_bytes(struct spdy *spdy, struct spdy_stream *stream, struct span bytes, bool fin);

#endif
