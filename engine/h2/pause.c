/*
 * h2/pause.c - see h2/pause.h.
 *
 * Pauses are added up, less the time in between: a burst is over when it has been read, and a flood
 * never is. So in the long run a connection is read for half of the time at least, and deadlines are
 * at most twice as long as without pauses.
 */
#include "engine/h2/pause.h"

#include "engine/h2/connection.h"
#include "engine/h2/life.h"

#include <assert.h>

bool h2_pause_begin(struct h2 *h2) {
  if (h2->paused) return true;
  struct h2_counters *counters = &h2->shared->counters;
  uint64_t read_ns = h2->now_ns - h2->pause_until_ns;
  h2->slowed_ns -= read_ns < h2->slowed_ns ? read_ns : h2->slowed_ns;
  if (h2->slowed_ns >= H2_SLOWED_NS) return false;
  if (h2->slowed_ns == 0) counter_add(&counters->slowed, 1);
  counter_add(&counters->pauses, 1);
  h2->slowed_ns += H2_PAUSE_NS;
  h2->paused = true;
  h2->paused_since_ns = h2->now_ns;
  h2->pause_until_ns = h2->now_ns + H2_PAUSE_NS;
  return true;
}

/* Moves the beginning of a span by the pause, which does not count. What began during the pause
 * begins now. 0 stays: no span has begun. */
static void move(const struct h2 *h2, uint64_t *since_ns) {
  if (*since_ns == 0) return;
  uint64_t moved_ns = *since_ns + (h2->now_ns - h2->paused_since_ns);
  *since_ns = moved_ns < h2->now_ns ? moved_ns : h2->now_ns;
}

static bool move_stream(struct h2 *h2, struct h2_stream *stream) {
  move(h2, &stream->body_seen_ns);
  move(h2, &stream->pace.counted_ns);
  move(h2, &stream->held_since_ns);
  stream->linger_until_ns += h2->now_ns - h2->paused_since_ns; /* its timer looks at it */
  return false;
}

void h2_pause_end(struct h2 *h2) {
  assert(h2->paused && h2->now_ns >= h2->pause_until_ns);
  const uint64_t span_ns = h2->now_ns - h2->paused_since_ns;
  uint64_t *const begun[] = {&h2->settings_sent_ns, &h2->block.begun_ns,   &h2->control_since_ns,
                             &h2->idle_since_ns,    &h2->stalled_since_ns, &h2->queued_since_ns};
  for (size_t i = 0; i < sizeof begun / sizeof *begun; i++)
    move(h2, begun[i]);
  h2->late_until_ns += span_ns;
  h2->drain_ns += span_ns;
  h2_stream_each(h2, move_stream);
  h2->paused = false;
  h2->pause_until_ns = h2->now_ns;
}
