/*
 * spdy/life.h - the life of a stream, from spdy_stream_open() to spdy_stream_finish().
 * Spec: SPDY/3.1 sections 2.3.2, 2.3.7 and 2.4.2.
 *
 * A stream that finishes leaves every queue and returns its window; then its handler hears of it, and it moves
 * to the graveyard. spdy_bury() frees it at the end of the machine call, or once the transport has acked the
 * last piece of its body. So pointers to a stream are good until the end of the machine call; `gone` tells
 * whether it has finished.
 * Memory: shared->streams.
 */
#ifndef WEIR_SPDY_LIFE_H
#define WEIR_SPDY_LIFE_H

#include "engine/spdy/stream.h"

/* `priority` is that of SYN_STREAM, 0 (first) .. 7. NULL when the pool is full or memory was refused. */
__attribute__((warn_unused_result)) struct spdy_stream *
spdy_stream_open(struct spdy *spdy, uint32_t id, uint8_t priority);

/* Ends a stream: its state becomes `state`, SPDY_CLOSED or one of the resets, and its handler hears
 * `error_code`; spdy_bury() closes its body. */
void spdy_stream_finish(struct spdy *spdy, struct spdy_stream *stream, enum spdy_state state,
                        uint32_t error_code);

/* Sends RST_STREAM, then ends the stream. One that is complete ends without it. */
void spdy_stream_abort(struct spdy *spdy, struct spdy_stream *stream, uint32_t status);

/* Ends all streams, with the session; nothing is sent. */
void spdy_stream_finish_all(struct spdy *spdy, uint32_t error_code);

/* Ends the stream if both directions have ended. */
void spdy_stream_settle(struct spdy *spdy, struct spdy_stream *stream);

/* Our direction has ended: FLAG_FIN is queued or in the output. */
void spdy_stream_fin(struct spdy *spdy, struct spdy_stream *stream);

/* Visits the live streams. A visit that ends its stream returns true. The handler has then heard of it, and may
 * have ended other streams, so the walk starts over. */
void spdy_stream_each(struct spdy *spdy,
                      bool (*visit)(struct spdy *spdy, struct spdy_stream *stream));

/* Ends a stream that lingers: RST_STREAM tells the client to stop. */
void spdy_stream_hush(struct spdy *spdy, struct spdy_stream *stream);

/* Frees the streams that have finished and whose body the transport no longer holds. */
void spdy_bury(struct spdy *spdy);

/* Whether the handler still takes the peer's message: see stream.duplex. */
bool spdy_stream_is_heard(const struct spdy_stream *stream);

/* Tells the handler's author about a mistake, if there is a way to. */
void spdy_stream_mistake(struct spdy_stream *stream, const char *what);

#endif
