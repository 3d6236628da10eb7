/*
 * h2/client.c - see h2/client.h.
 */
#include "engine/h2/client.h"

#include <assert.h>
#include <string.h>

#include "engine/h2/connection.h"

void h2_client_listen(struct h2 *h2, const struct h2_client_events *events, void *ctx) {
  assert(h2->role == H2_CLIENT);
  h2->client = events;
  h2->client_ctx = ctx;
}

struct h2_client_status h2_client_status(const struct h2 *h2) {
  return (struct h2_client_status){.settings_received = h2->settings_received,
                                   .settings_acked = h2->settings_unacked == 0,
                                   .broken = h2->dead,
                                   .eof = h2->eof,
                                   .goaway_received = h2->goaway_received,
                                   .streams = h2->active_own};
}

/* One line beside the other, in the time of one: the call itself would wait for each. */
void h2_client_fetch(const struct h2 *h2) {
  const char *line = (const char *)h2;
  for (size_t at = 0; at < offsetof(struct h2, sched); at += 64)
    __builtin_prefetch(line + at, 1);
  __builtin_prefetch(&h2->closed_ids, 1);
}

/* A block of one frame is not copied: it is the payload of the current frame. */
size_t h2_client_block_bytes(const struct h2 *h2) {
  return h2->block.len ? h2->block.len : h2->reader.frame.length;
}

static const struct h2_stream *stream_of(const struct stream *stream) {
  return (const struct h2_stream *)(const void *)stream;
}

uint64_t h2_client_arrived(const struct stream *stream) {
  return stream_of(stream)->credit.arrived;
}

bool h2_client_was_reset(const struct stream *stream) {
  return stream_of(stream)->state == H2_CLOSED_RESET_REMOTE;
}

uint32_t h2_client_reset_code(const struct h2 *h2) {
  return h2->reset_code;
}

/* The first nine bytes stand where a frame header does. */
static bool answers_in_http1(const struct h2 *h2) {
  return !h2->settings_received && memcmp(h2->reader.header, "HTTP/1.", 7) == 0;
}

void h2_client_end(struct h2 *h2, enum h2_end_reason reason, uint32_t code, const char *debug) {
  if (!h2->client || !h2->client->ended || h2->end_told) return;
  if (reason == H2_END_BROKEN && answers_in_http1(h2)) reason = H2_END_HTTP1;
  if (reason > H2_END_GOAWAY && h2->goaway_received) {
    reason = H2_END_GOAWAY;
    code = h2->goaway_code;
  }
  const struct h2_end end = {
      .reason = reason, .code = code, .debug = debug ? span_text(debug) : (struct span){0}};
  h2->end_told = true;
  h2->client->ended(h2->client_ctx, h2, &end);
}
