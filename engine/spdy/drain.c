/*
 * spdy/drain.c - see spdy/drain.h.
 */
#include "engine/spdy/drain.h"

#include "engine/spdy/connection.h"
#include "engine/spdy/life.h"
#include "engine/spdy/queue.h"

void spdy_drain(struct spdy *spdy) {
  if (spdy->goaway_sent || spdy->dead) return;
  spdy->goaway_sent = true;
  spdy_goaway(spdy, SPDY_GOAWAY_OK);
}

static bool tell(struct spdy *spdy, struct spdy_stream *stream) {
  const struct stream_events *events = stream->base.events;
  (void)spdy;
  if (stream->drain_told) return false;
  stream->drain_told = true;
  if (events && events->drain) events->drain(&stream->base);
  return stream->gone;
}

void spdy_drain_begin(struct spdy *spdy) {
  spdy_drain(spdy);
  spdy_stream_each(spdy, tell);
}
