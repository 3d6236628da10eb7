/*
 * spdy/push.c - see spdy/push.h.
 */
#include "engine/spdy/push.h"

#include "engine/spdy/connection.h"
#include "engine/spdy/fault.h"
#include "engine/spdy/ids.h"
#include "engine/spdy/queue.h"

struct stream *spdy_push(struct spdy_stream *page, const struct header *fields, size_t count) {
  (void)page;
  (void)fields;
  (void)count;
  return NULL;
}

void spdy_push_received(struct spdy *spdy, const struct spdy_frame *frame, struct headers *fields,
                        bool malformed) {
  (void)fields;
  (void)malformed;
  if (!spdy_charge_glitch(spdy, &spdy->shared->counters.glitches_refused)) return;
  spdy_remember_closed(spdy, frame->stream_id, SPDY_RESET_LOCAL);
  spdy_rst_stream(spdy, frame->stream_id, SPDY_REFUSED_STREAM);
}
