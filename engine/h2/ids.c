/*
 * h2/ids.c - which side opened a stream, and its state.
 */
#include "engine/h2/ids.h"

#include "engine/h2/connection.h"

_Static_assert(H2_SERVER == 0 && H2_CLIENT == 1,
               "a client's identifiers are odd (RFC 9113 section 5.1.1)");

bool h2_is_own_id(const struct h2 *h2, uint32_t id) {
  return id % 2 == (uint32_t)h2->role;
}

/* The lowest identifier that the side of `id` has never used. */
static uint32_t next_id(const struct h2 *h2, uint32_t id) {
  return h2_is_own_id(h2, id) ? h2->own_id_next : h2->peer_id_max + 1;
}

struct h2_stream *h2_find(const struct h2 *h2, uint32_t id) {
  return id < next_id(h2, id) ? idmap_find(&h2->streams, id) : NULL;
}

void h2_remember_closed(struct h2 *h2, uint32_t id, enum h2_state state) {
  if (state == H2_CLOSED_RESET_LOCAL) {
    uint32_t forgotten = h2->reset_ids[h2->reset_next];
    if (forgotten && h2_is_own_id(h2, forgotten) && forgotten > h2->own_reset_max)
      h2->own_reset_max = forgotten;
    h2->reset_ids[h2->reset_next] = id;
    h2->reset_next = (h2->reset_next + 1) % H2_RESETS_REMEMBERED;
    uint32_t free = h2->late_free + H2_LATE_FREE_RESET;
    h2->late_free = free < H2_LATE_FREE_MAX ? free : H2_LATE_FREE_MAX;
    h2->late_until_ns = h2->now_ns + H2_LATE_NS;
    return;
  }
  h2->closed_ids[h2->closed_next] = id;
  h2->closed_states[h2->closed_next] = (uint8_t)state;
  h2->closed_next = (h2->closed_next + 1) % H2_CLOSED_REMEMBERED;
}

/* An identifier that is not remembered was closed long ago, or skipped by a higher one (section
 * 5.1.1). A client may have reset many streams at once whose responses are still on their way; it
 * cannot tell these from other old ones, and takes all of them for reset. */
enum h2_state h2_state_of(const struct h2 *h2, uint32_t id) {
  if (id >= next_id(h2, id)) return H2_IDLE;
  const struct h2_stream *stream = h2_find(h2, id);
  if (stream) return (enum h2_state)stream->state;
  for (uint32_t i = 0; i < H2_RESETS_REMEMBERED; i++)
    if (h2->reset_ids[i] == id) return H2_CLOSED_RESET_LOCAL;
  for (uint32_t i = 0; i < H2_CLOSED_REMEMBERED; i++)
    if (h2->closed_ids[i] == id) return (enum h2_state)h2->closed_states[i];
  return h2_is_own_id(h2, id) && id <= h2->own_reset_max ? H2_CLOSED_RESET_LOCAL
                                                         : H2_CLOSED_FORGOTTEN;
}
