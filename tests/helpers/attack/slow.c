/*
 * attack/slow.c - attacks that are slow, never complete, or never over.
 */
#include "tests/helpers/attack/attack.h"
#include "tests/helpers/attack/units.h"

/* One byte per second of something that is never complete. variant 1: a frame; 2: a header block
 * that stops; 3: a request's body; 4: a body that stops. */
static bool step_slow(struct peer *peer) {
  if (!units_wait_for(peer, 1000)) return false;
  const bool first = peer->units == 0;
  if (peer->options->variant % 2 == 0 && !first) return true;
  switch (peer->options->variant) {
  case 1:
    if (first) peer_put_head(peer, 16000, HEADERS, END_HEADERS, 1);
    peer_put(peer, "\x82", 1);
    break;
  case 2:
    peer_put_head(peer, 1, HEADERS, 0, 1);
    peer_put(peer, "\x82", 1);
    break;
  default:
    if (first) peer_put_request(peer, false, SLOW_PATH, false);
    peer_put_head(peer, 1, DATA, 0, 1);
    peer_put(peer, "s", 1);
  }
  return true;
}

/* Pretends to be alive, without a request: PING, SETTINGS, PRIORITY and WINDOW_UPDATE in turn. */
static bool step_alive(struct peer *peer) {
  if (!units_wait_for(peer, 200)) return false;
  switch (peer->units % 4) {
  case 0: return units_ping(peer);
  case 1: return units_settings(peer);
  case 2: return units_priority(peer);
  default: peer_put_number(peer, WINDOW_UPDATE, 0, 1); return true;
  }
}

/* A connection error, then noise of every kind. */
static bool step_after_death(struct peer *peer) {
  static uint32_t state = 1;
  if (peer->units == 0) peer_put_head(peer, 0, DATA, 0, 0);
  state = state * 1664525u + 1013904223u;
  const unsigned len = state >> 20 & 0x3ff, type = state >> 8 & 0x1f;
  peer_put_head(peer, len, type, state & 0xff, state >> 4 & 0xff);
  peer_put_zeros(peer, (uint8_t)(state >> 16), len / 2);
  return true;
}

/* Below 40 times a second. */
static bool is_time(struct peer *peer) {
  if (peer->now_ns < peer->next_ns) return false;
  peer->next_ns = peer->now_ns + 26000000;
  return true;
}

/* For comparison: valid requests at that pace. */
static bool step_paced(struct peer *peer) {
  if (!is_time(peer)) return false;
  peer_put_request(peer, false, peer->options->path, true);
  return true;
}

/* A little of everything, each more slowly than its budget is refilled, and an occasional
 * request, so as not to be idle. */
static bool step_temperate(struct peer *peer) {
  if (!is_time(peer)) return false;
  peer_put_frame(peer, PING, 0, 0, "temperat", 8);
  peer_put_head(peer, 0, 0xbb, 0, 0);
  if (peer->units % 4 == 0) peer_put_head(peer, 0, SETTINGS, 0, 0);
  if (peer->units % 2 == 0) {
    const uint32_t id = peer_put_request(peer, false, peer->options->path, true);
    peer_put_number(peer, RST_STREAM, id, 8);
  }
  return true;
}

/* Ten bytes of the preface, then one per second. */
static void begin_preface(struct peer *peer) {
  peer->made = 10;
}

static bool step_preface(struct peer *peer) {
  static const char rest[] = "/2.0\r\n\r\nSM";
  if (peer->now_ns < peer->next_ns) return false;
  peer->next_ns = peer->now_ns + UINT64_C(1000000000);
  peer_put(peer, &rest[peer->units % (sizeof rest - 1)], 1);
  return true;
}

static const struct attack attacks[] = {
    {"slow", "slow frames, headers, bodies", step_slow, NULL, false},
    {"silent", "no SETTINGS ACK (CVE-2025-53506)", units_idle, NULL, true},
    {"alive", "keep-alive without requests", step_alive, NULL, false},
    {"after-death", "CVE-2026-27135", step_after_death, NULL, false},
    {"temperate", "some of everything, within the budgets", step_temperate, units_begin_wide,
     false},
    {"paced", "requests at the pace of temperate, for comparison", step_paced, units_begin_wide,
     false},
    {"preface", "a preface that does not end", step_preface, begin_preface, true},
    {"idle", "connections that request nothing", units_idle, NULL, false},
};

const struct attack_list attack_slow = ATTACK_LIST(attacks);
