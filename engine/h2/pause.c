/*
 * h2/pause.c - see h2/pause.h.
 */
#include "engine/h2/pause.h"

#include "engine/h2/connection.h"
#include "engine/h2/life.h"

static void move(const struct h2 *h2, uint64_t *since_ns) {
  pause_move(&h2->pause, h2->now_ns, since_ns);
}

static bool move_stream(struct h2 *h2, struct h2_stream *stream) {
  move(h2, &stream->body_seen_ns);
  move(h2, &stream->pace.counted_ns);
  move(h2, &stream->held_since_ns);
  stream->linger_until_ns += h2->now_ns - h2->pause.since_ns; /* its timer looks at it */
  return false;
}

void h2_pause_end(struct h2 *h2) {
  const uint64_t span_ns = h2->now_ns - h2->pause.since_ns;
  uint64_t *const begun[] = {&h2->settings_sent_ns, &h2->block.begun_ns,   &h2->control_since_ns,
                             &h2->idle_since_ns,    &h2->stalled_since_ns, &h2->queued_since_ns};
  for (size_t i = 0; i < sizeof begun / sizeof *begun; i++)
    move(h2, begun[i]);
  h2->late_until_ns += span_ns;
  h2->drain_ns += span_ns;
  h2_stream_each(h2, move_stream);
  pause_end(&h2->pause, h2->now_ns);
}
