/*
 * h1/life.h - the life of a stream: a request and its answer.
 *
 * A stream stands in the queue until its response is complete in the output and its request has been
 * read, or until the connection ends. Its handler may hear of the end earlier (`told`). Then it moves to
 * the graveyard, which h1_bury() empties between requests and at the end of each machine call, as far as
 * the transport holds nothing of a body any more.
 * Memory: shared->streams.
 */
#ifndef WEIR_H1_LIFE_H
#define WEIR_H1_LIFE_H

#include "engine/h1/connection.h"

/* Opens a stream for the next request, and puts it at the end of the queue. NULL when the pool is full
 * or memory was refused. */
__attribute__((warn_unused_result)) struct h1_stream *h1_stream_open(struct h1 *h1);

/* Appends a text that the stream is to send. */
void h1_stream_append(struct h1_stream *stream, struct h1_text *text);

/* The handler hears of the end: once. */
void h1_stream_tell(struct h1_stream *stream, uint32_t code);

/* The handler hears that the connection is to end. */
void h1_stream_drain(struct h1_stream *stream);

/* The stream's request has been read to its end, or is no longer read. */
void h1_stream_end_received(struct h1_stream *stream);

/* Client: the request is complete in the output, or is not sent any further. */
void h1_stream_asked(struct h1_stream *stream);

/* Takes the first stream out of the queue. */
void h1_stream_remove_first(struct h1 *h1);

/* Nothing new is begun, and what waits in the queue is not answered: the connection ends once its
 * output has left. Of a client's requests, those that have not left are told H1_REFUSED_STREAM instead of `code`. */
void h1_close(struct h1 *h1, uint32_t code);

/* Nothing more is sent, either. */
void h1_lose(struct h1 *h1, uint32_t code);

/* Frees the streams that have left the queue and whose body the transport no longer holds. */
void h1_bury(struct h1 *h1);

/* Whether the handler still takes the request's body: see stream.duplex. */
bool h1_stream_is_heard(const struct h1_stream *stream);

/* Tells the handler's author about a mistake, if there is a way to. */
void h1_stream_mistake(struct h1_stream *stream, const char *what);

#endif
