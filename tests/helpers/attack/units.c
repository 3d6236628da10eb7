/*
 * attack/units.c - units that several attacks send.
 */
#include "tests/helpers/attack/units.h"

void units_begin_closed(struct peer *peer) {
  peer_put_setting(peer, SETTING_WINDOW, 0);
}

void units_begin_wide(struct peer *peer) {
  peer_put_setting(peer, SETTING_WINDOW, WIDE);
  peer_put_number(peer, WINDOW_UPDATE, 0, WIDE - 65535);
}

/* The first time: a request that stays open. */
void units_hold_open(struct peer *peer, bool post, const char *path) {
  if (peer->next_id == 1) peer_put_request(peer, post, path, !post);
}

bool units_wait_for(struct peer *peer, uint64_t milliseconds) {
  if (peer->now_ns < peer->next_ns) return false;
  peer->next_ns = peer->now_ns + milliseconds * UINT64_C(1000000);
  return true;
}

bool units_ping(struct peer *peer) {
  const uint64_t number = peer->units;
  peer_put_frame(peer, PING, 0, 0, &number, 8);
  return true;
}

bool units_settings(struct peer *peer) {
  peer_put_head(peer, 0, SETTINGS, 0, 0);
  return true;
}

bool units_priority(struct peer *peer) {
  const uint32_t id = 1 + 2 * (uint32_t)(peer->units % 100000);
  peer_put_head(peer, 5, PRIORITY, 0, id);
  peer_put_u32(peer,
               (id > 1 ? id - 2 : 0) | (peer->units % 2 ? 0x80000000u : 0)); /* a deep chain */
  peer_put(peer, "\xff", 1);
  return true;
}

bool units_idle(struct peer *peer) {
  (void)peer;
  return false;
}
