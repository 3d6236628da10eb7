/*
 * h2/origin.h - the origins of HTTP/2's streams, as http/origin.h keeps them.
 * Spec: RFC 9113 section 8.4.
 */
#ifndef WEIR_H2_ORIGIN_H
#define WEIR_H2_ORIGIN_H

#include "engine/h2/stream.h"

/* Keeps the origin of the stream's request, if it can. */
void h2_origin_note(struct h2_stream *stream, struct span scheme, struct span authority);

/* Whether it is that of another request; false if it was not kept. */
__attribute__((warn_unused_result)) bool h2_origin_is(const struct h2_stream *stream,
                                                      const struct request *request);

/* The stream ends. */
void h2_origin_drop(struct h2_stream *stream);

#endif
