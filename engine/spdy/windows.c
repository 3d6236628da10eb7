/*
 * spdy/windows.c - see spdy/windows.h.
 */
#include "engine/spdy/windows.h"

#include "engine/spdy/connection.h"
#include "engine/spdy/queue.h"

uint32_t spdy_window_of(const struct spdy_stream *stream) {
  const struct spdy *spdy = stream->spdy;
  if (spdy->windowless) return WINDOW_MAX;
  uint32_t bytes = window_available(&stream->window);
  if (spdy->session.minor == SPDY_3) return bytes;
  return (uint32_t)spdy_min(bytes, window_available(&spdy->window));
}

void spdy_window_spent(struct spdy_stream *stream, uint32_t bytes) {
  struct spdy *spdy = stream->spdy;
  if (spdy->windowless) return;
  window_spend(&stream->window, bytes);
  if (spdy->session.minor == SPDY_3_1) window_spend(&spdy->window, bytes);
}

void spdy_windows_used_up(struct spdy *spdy) {
  bool unsure = spdy->session.windows == SPDY_WINDOWS_DETECT && !spdy->knows_windows;
  if (!unsure || spdy->window_ping_id || spdy->dead) return;
  spdy->window_ping_id = spdy_ping(spdy);
}

bool spdy_windows_ping_answered(struct spdy *spdy, uint32_t id) {
  if (id != spdy->window_ping_id) return false;
  spdy->window_ping_id = 0;
  if (spdy->knows_windows) return false;
  spdy->windowless = true;
  counter_add(&spdy->shared->counters.windowless, 1);
  return true;
}
