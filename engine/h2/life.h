/*
 * h2/life.h - the life of a stream, from h2_stream_open() to h2_stream_finish().
 * Spec: RFC 9113 sections 5.1, 5.4.2 and 8.1.
 *
 * A stream that finishes leaves every queue and returns its window; then its handler hears of it,
 * and it moves to the graveyard. h2_bury() frees it at the end of the machine call, or once the
 * transport has acked the last piece of its body. So pointers to a stream are good until the end of
 * the machine call; `gone` tells whether it has finished.
 * Memory: shared->streams.
 */
#ifndef WEIR_H2_LIFE_H
#define WEIR_H2_LIFE_H

#include "engine/h2/stream.h"

/* NULL when the pool is full or memory was refused. */
__attribute__((warn_unused_result)) struct h2_stream *h2_stream_open(struct h2 *h2, uint32_t id);

/* Ends a stream whose state is closed: tells its handler `error_code`; h2_bury() closes its body. */
void h2_stream_finish(struct h2 *h2, struct h2_stream *stream, uint32_t error_code);

/* Sends RST_STREAM, then ends the stream. Nothing is sent if the peer has not heard of it yet. */
void h2_stream_abort(struct h2 *h2, struct h2_stream *stream, uint32_t error_code);

/* Ends all streams, with the connection; nothing is sent. */
void h2_stream_finish_all(struct h2 *h2, uint32_t error_code);

/* Visits the live streams. A visit that ends its stream returns true. The handler has then heard of
 * it, and may have ended other streams, so the walk starts over. */
void h2_stream_each(struct h2 *h2, bool (*visit)(struct h2 *h2, struct h2_stream *stream));

/* The handler hears that the connection is to end: once. */
void h2_stream_drain(struct h2_stream *stream);

/* The response is complete but the request is not, and the rest is not wanted. Tells the handler
 * that the stream is closed, and goes on reading for a while (PEER_LINGER_*). */
void h2_stream_linger(struct h2 *h2, struct h2_stream *stream);

/* Ends a stream that lingers: RST_STREAM(NO_ERROR) tells the client to stop. */
void h2_stream_hush(struct h2 *h2, struct h2_stream *stream);

/* Frees the streams that have finished and whose body the transport no longer holds. */
void h2_bury(struct h2 *h2);

/* Whether the handler still takes the peer's message: see stream.duplex. */
bool h2_stream_is_heard(const struct h2_stream *stream);

/* Tells the handler's author about a mistake, if there is a way to. */
void h2_stream_mistake(struct h2_stream *stream, const char *what);

#endif
