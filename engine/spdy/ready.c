/*
 * spdy/ready.c - see spdy/ready.h.
 */
#include "engine/spdy/ready.h"

#include "engine/spdy/connection.h"
#include "engine/spdy/windows.h"

bool spdy_is_pullable(const struct spdy_stream *stream) {
  return stream->replied && stream->body.ops && !stream->body_waiting && !stream->body_ended;
}

void spdy_ready_update(struct spdy_stream *stream) {
  struct spdy *spdy = stream->spdy;
  if (spdy_is_pullable(stream) && spdy_window_of(stream) > stream->room_bytes)
    sched_ready(&spdy->sched, &stream->node);
  else
    sched_idle(&spdy->sched, &stream->node);
}

void spdy_ready_update_all(struct spdy *spdy) {
  for (struct spdy_stream *stream = spdy->all; stream; stream = stream->next)
    spdy_ready_update(stream);
}

void spdy_ready_probe(struct spdy_stream *stream) {
  struct spdy *spdy = stream->spdy;
  if (stream->in_probe_queue) return;
  stream->in_probe_queue = true;
  stream->probe_next = NULL;
  if (spdy->probe_queue_tail)
    spdy->probe_queue_tail->probe_next = stream;
  else
    spdy->probe_queue = stream;
  spdy->probe_queue_tail = stream;
}

void spdy_ready_probe_if_blocked(struct spdy_stream *stream) {
  if (!stream->node.ready || spdy_window_of(stream) == 0) spdy_ready_probe(stream);
}

void spdy_ready_forget(struct spdy_stream *stream) {
  struct spdy *spdy = stream->spdy;
  if (!stream->in_probe_queue) return;
  struct spdy_stream **at = &spdy->probe_queue, *before = NULL;
  while (*at != stream) {
    before = *at;
    at = &before->probe_next;
  }
  *at = stream->probe_next;
  if (spdy->probe_queue_tail == stream) spdy->probe_queue_tail = before;
  stream->in_probe_queue = false;
}
