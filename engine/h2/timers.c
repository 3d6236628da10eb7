/*
 * h2/timers.c - see h2/timers.h.
 */
#include "engine/h2/timers.h"

#include "engine/h2/connection.h"

void h2_timer_set(struct h2_stream *stream, uint64_t deadline_ns) {
  alarm_set(&stream->h2->timers, &stream->timer, deadline_ns);
}

struct h2_stream *h2_timer_due(struct h2 *h2) {
  struct alarm *first = h2->timers.first;
  if (!first || first->due_ns > h2->now_ns) return NULL;
  struct h2_stream *stream =
      (struct h2_stream *)(void *)((char *)first - offsetof(struct h2_stream, timer));
  h2_timer_set(stream, MACHINE_NO_DEADLINE);
  return stream;
}
