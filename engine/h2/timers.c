/*
 * h2/timers.c - a sorted list of the streams that have a timer.
 */
#include "engine/h2/timers.h"

#include "engine/h2/connection.h"

static void timer_unlink(struct h2_stream *stream) {
  if (stream->timer_ns == MACHINE_NO_DEADLINE) return;
  if (stream->timer_prev)
    stream->timer_prev->timer_next = stream->timer_next;
  else
    stream->h2->timers = stream->timer_next;
  if (stream->timer_next) stream->timer_next->timer_prev = stream->timer_prev;
  stream->timer_next = stream->timer_prev = NULL;
  stream->timer_ns = MACHINE_NO_DEADLINE;
}

/* The list is short: streams of one connection that wait for a time. Most new deadlines belong at
 * its end, where a backward search would find their place sooner; this one is simpler. */
static void timer_link(struct h2_stream *stream, uint64_t deadline_ns) {
  struct h2_stream **at = &stream->h2->timers, *before = NULL;
  while (*at && (*at)->timer_ns <= deadline_ns) {
    before = *at;
    at = &before->timer_next;
  }
  stream->timer_ns = deadline_ns;
  stream->timer_prev = before;
  stream->timer_next = *at;
  if (*at) (*at)->timer_prev = stream;
  *at = stream;
}

void h2_timer_set(struct h2_stream *stream, uint64_t deadline_ns) {
  timer_unlink(stream);
  if (deadline_ns != MACHINE_NO_DEADLINE) timer_link(stream, deadline_ns);
}
