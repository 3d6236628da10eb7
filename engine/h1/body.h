/*
 * h1/body.h - the body of a request on its way to the handler, and what a tunnel receives.
 *
 * Back-pressure is reading less: while a handler holds as much as its window allows, or a cap is
 * reached (stream_cap()), the machine wants no input.
 */
#ifndef WEIR_H1_BODY_H
#define WEIR_H1_BODY_H

#include "engine/h1/connection.h"

/* How many bytes the stream may be given now. */
uint64_t h1_body_room(const struct h1_stream *stream);

/* Begins to read the body of a request that is as long as `framing` says (H1_READ_LENGTH or
 * H1_READ_CHUNKED). False when the worker has no room for one more: nothing has changed. */
__attribute__((warn_unused_result)) bool h1_body_begin(struct h1_stream *stream,
                                                       enum h1_phase phase);

/* Each takes bytes from the front of `in`, and returns how many. */
size_t h1_body_take_length(struct h1 *h1, struct span in);
size_t h1_body_take_chunked(struct h1 *h1, struct span in);
size_t h1_body_take_all(struct h1 *h1, struct span in); /* of a tunnel, or until the end */

/* The body has ended; `trailers` may be NULL. */
void h1_body_end(struct h1_stream *stream, const struct headers *trailers);

/* Client: the exchange ends if both its directions have; what the server has answered before it had all of
 * the request is not sent to the end. To be called after the owner has heard of the response's end. */
void h1_body_settle(struct h1_stream *stream);

/* The client has ended its direction: the end of a tunnel's, and of a request that will never be
 * complete. */
void h1_body_eof(struct h1 *h1);

#endif
