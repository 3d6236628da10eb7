/*
 * h2/life.h - the life of a stream, from h2_stream_open() to h2_stream_finish().
 * Spec: RFC 9113 sections 5.1, 5.4.2 and 8.1.
 *
 * A stream that finishes leaves every queue and gives its windows back; its handler hears of it,
 * and it goes to the graveyard. h2_bury() frees it there at the end of the machine call, or later,
 * when the last piece of its body that the transport holds has been acked. So a pointer to a stream
 * stays good until the end of the machine call; `gone` tells that it has finished.
 * Memory: shared->streams.
 */
#ifndef WEIR_H2_LIFE_H
#define WEIR_H2_LIFE_H

#include "engine/h2/stream.h"

/* NULL when the engine has no more streams or memory was refused. */
__attribute__((warn_unused_result)) struct h2_stream *h2_stream_open(struct h2 *h2, uint32_t id);

/* Ends a stream whose state is closed: tells its handler `error_code`, closes its body. */
void h2_stream_finish(struct h2 *h2, struct h2_stream *stream, uint32_t error_code);

/* RST_STREAM and finish. A stream of ours that the peer has not heard of vanishes without a word. */
void h2_stream_abort(struct h2 *h2, struct h2_stream *stream, uint32_t error_code);

/* The connection ends, and with it all streams; nothing is sent. */
void h2_stream_finish_all(struct h2 *h2, uint32_t error_code);

/* Visits the live streams. A visit that ends its stream returns true: the stream's handler has heard
 * of it and may have ended any other, so the walk begins again. */
void h2_stream_each(struct h2 *h2, bool (*visit)(struct h2 *h2, struct h2_stream *stream));

/* The response is complete, the request is not, and nobody wants the rest: tells the handler that
 * the stream is closed, and goes on reading for a while (H2_LINGER_NS, H2_LINGER_BYTES). */
void h2_stream_linger(struct h2 *h2, struct h2_stream *stream);

/* The end of that while: RST_STREAM(NO_ERROR) tells the client to stop. */
void h2_stream_hush(struct h2 *h2, struct h2_stream *stream);

/* Frees what has finished and is not lent. */
void h2_bury(struct h2 *h2);

/* Whether the handler still takes the peer's message: see stream.duplex. */
bool h2_stream_is_heard(const struct h2_stream *stream);

/* Tells the handler's author, if there is a way to. */
void h2_stream_mistake(struct h2_stream *stream, const char *what);

/* A body that will not be sent is closed. */
void h2_body_drop(struct body body);

#endif
