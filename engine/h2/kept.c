/*
 * h2/kept.c - see h2/kept.h.
 */
#include "engine/h2/kept.h"

#include "engine/h2/connection.h"

bool h2_kept_add(struct h2 *h2, struct h2_stream *stream, struct span bytes, bool end) {
  return kept_add(h2->http->memory, &stream->kept, bytes, end);
}

void h2_kept_free(struct h2 *h2, struct h2_stream *stream) {
  kept_free(h2->http->memory, stream->kept);
  stream->kept = NULL;
}
