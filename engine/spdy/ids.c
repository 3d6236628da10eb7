/*
 * spdy/ids.c - which side opened a stream, and its state.
 */
#include "engine/spdy/ids.h"

#include "engine/spdy/connection.h"

bool spdy_is_own_id(const struct spdy *spdy, uint32_t id) {
  return (id % 2 == 1) != spdy->server;
}

struct spdy_stream *spdy_find(const struct spdy *spdy, uint32_t id) {
  return id > 0 ? idmap_find(&spdy->streams, id) : NULL;
}

/* Overwrites the oldest. */
void spdy_remember_closed(struct spdy *spdy, uint32_t id, enum spdy_state state) {
  uint16_t at = spdy->closed_next;
  uint32_t forgotten = spdy->closed_ids[at];
  bool own_reset =
      forgotten && spdy->closed_states[at] == SPDY_RESET_LOCAL && spdy_is_own_id(spdy, forgotten);
  if (own_reset && forgotten > spdy->own_reset_max) spdy->own_reset_max = forgotten;
  spdy->closed_ids[at] = id;
  spdy->closed_states[at] = (uint8_t)state;
  spdy->closed_next = (uint16_t)((at + 1) % SPDY_CLOSED_REMEMBERED);
}

/* A client may have reset many streams at once whose responses are still on their way; it cannot tell these
 * from other old ones, and takes all of them for reset. */
enum spdy_state spdy_state_of(const struct spdy *spdy, uint32_t id) {
  bool own = spdy_is_own_id(spdy, id);
  if (id >= (own ? spdy->own_id_next : spdy->peer_id_max + 1)) return SPDY_IDLE;
  const struct spdy_stream *stream = spdy_find(spdy, id);
  if (stream) return (enum spdy_state)stream->state;
  for (uint32_t i = 0; i < SPDY_CLOSED_REMEMBERED; i++)
    if (spdy->closed_ids[i] == id) return (enum spdy_state)spdy->closed_states[i];
  return own && id <= spdy->own_reset_max ? SPDY_RESET_LOCAL : SPDY_CLOSED;
}
