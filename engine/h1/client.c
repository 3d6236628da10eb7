/*
 * h1/client.c - see h1/client.h.
 */
#include "engine/h1/client.h"

#include "engine/h1/connection.h"

#include <assert.h>

void h1_client_listen(struct h1 *h1, const struct h1_client_events *events, void *ctx) {
  assert(h1->role == H1_CLIENT);
  h1->client = events;
  h1->client_ctx = ctx;
}

size_t h1_client_head_bytes(const struct h1 *h1) {
  return h1->head_bytes;
}

uint32_t h1_client_streams(const struct h1 *h1) {
  return h1->queued;
}

void h1_client_pipeline(struct h1 *h1, uint32_t depth) {
  assert(h1->role == H1_CLIENT && depth > 0);
  h1->depth = depth;
}

bool h1_client_was_answered(const struct stream *base) {
  const struct h1_stream *stream = (const struct h1_stream *)base;
  const struct h1 *h1 = stream->h1;
  return stream->header_received > 0 || (h1->first == stream && h1->gathered);
}

void h1_client_end(struct h1 *h1, enum h1_end_reason reason, const char *what) {
  if (!h1->client || !h1->client->ended || h1->end_told) return;
  h1->end_told = true;
  h1->client->ended(h1->client_ctx, h1, reason, what);
}
