/*
 * h2/origin.c - see h2/origin.h.
 */
#include "engine/h2/origin.h"

#include "engine/h2/connection.h"

void h2_origin_note(struct h2_stream *stream, struct span scheme, struct span authority) {
  struct h2 *h2 = stream->h2;
  stream->origin = origin_take(&h2->origins, h2->http->memory, scheme, authority);
}

bool h2_origin_is(const struct h2_stream *stream, const struct request *request) {
  return origin_is(stream->h2->origins, stream->origin, request->scheme, request->authority);
}

void h2_origin_drop(struct h2_stream *stream) {
  origin_give(stream->h2->origins, stream->origin);
}
