/*
 * attack/ws.c - WebSockets: floods of frames, messages without an end, bombs. Over HTTP/2 each is on a stream of
 * its own, a unit is one DATA frame, full of WebSocket frames, and when the server has closed one WebSocket, the
 * next begins. Over HTTP/1.1 a connection has one, and a unit is as many bytes.
 */
#include "tests/helpers/attack/attack.h"

#include <stdio.h>
#include <string.h>

enum { UNIT_BYTES = 15000, HEAD_BYTES = 6, LONG_HEAD_BYTES = 8 };

/* A literal without indexing, of a name that is not in the static table. */
static size_t literal(uint8_t *at, const char *name, const char *value) {
  const size_t name_len = strlen(name), value_len = strlen(value);
  at[0] = 0;
  at[1] = (uint8_t)name_len;
  memcpy(at + 2, name, name_len);
  at[2 + name_len] = (uint8_t)value_len;
  memcpy(at + 3 + name_len, value, value_len);
  return 3 + name_len + value_len;
}

/* There is no preface. */
static void begin_h1(struct peer *peer) {
  peer->made = 0;
  peer->h1 = true;
}

static void open_h1(struct peer *peer, const char *path, bool deflate) {
  char head[512];
  const int len =
      snprintf(head, sizeof head,
               "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
               path, deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
  peer->phase = 1;
  peer->in_flight = 1;
  peer_put(peer, head, (size_t)len);
}

static void open_websocket(struct peer *peer, const char *path, bool deflate) {
  if (peer->h1) {
    open_h1(peer, path, deflate);
    return;
  }
  uint8_t block[256] = {0x86};
  size_t len = 1;
  len += literal(block + len, ":method", "CONNECT");
  len += literal(block + len, ":protocol", "websocket");
  len += literal(block + len, ":authority", "localhost");
  len += literal(block + len, ":path", path);
  len += literal(block + len, "sec-websocket-version", "13");
  if (deflate) len += literal(block + len, "sec-websocket-extensions", "permessage-deflate");
  peer->phase = peer->next_id;
  peer->next_id += 2;
  peer->in_flight++;
  peer->stream_credit = 65535;
  peer_put_frame(peer, HEADERS, END_HEADERS, peer->phase, block, len);
}

/* Opens a WebSocket if none is open. */
static void keep_open(struct peer *peer, const char *path, bool deflate) {
  if (peer->in_flight > 0) return;
  if (peer->phase) peer_put_head(peer, 0, DATA, END_STREAM, peer->phase);
  open_websocket(peer, path, deflate);
}

/* Begins a DATA frame of that many bytes, over HTTP/2. False when there is no credit for it. */
static bool begin_data(struct peer *peer, size_t bytes) {
  if (peer->h1) return true;
  if (peer->credit < (int64_t)bytes || peer->stream_credit < (int64_t)bytes) return false;
  peer->credit -= (int64_t)bytes;
  peer->stream_credit -= (int64_t)bytes;
  peer_put_head(peer, bytes, DATA, 0, peer->phase);
  return true;
}

/* So many frames of `first` and `len` bytes, masked with zeros, as fill a unit. */
static bool put_frames(struct peer *peer, uint8_t first, uint8_t len) {
  const uint8_t head[HEAD_BYTES] = {first, 0x80 | len};
  const size_t count = UNIT_BYTES / (HEAD_BYTES + (size_t)len);
  if (!begin_data(peer, count * (HEAD_BYTES + (size_t)len))) return false;
  for (size_t i = 0; i < count; i++) {
    peer_put(peer, head, sizeof head);
    peer_put_zeros(peer, 'x', len);
  }
  return true;
}

static bool step_pings(struct peer *peer) {
  keep_open(peer, "/ws", false);
  return put_frames(peer, 0x89, 1);
}

static bool step_messages(struct peer *peer) {
  keep_open(peer, "/ws", false);
  return put_frames(peer, 0x81, (uint8_t)peer->options->variant);
}

/* variant: bytes of a fragment, below 126; they belong to one message. */
static bool step_fragments(struct peer *peer) {
  const uint32_t before = peer->phase;
  static const uint8_t begin[HEAD_BYTES] = {0x02, 0x80};
  keep_open(peer, "/ws", false);
  if (peer->phase != before) {
    if (!begin_data(peer, sizeof begin)) return false;
    peer_put(peer, begin, sizeof begin);
  }
  return put_frames(peer, 0x00, (uint8_t)peer->options->variant);
}

/* A frame that announces 2^62 bytes, or the length that is just allowed, and never sends them. */
static bool step_promises(struct peer *peer) {
  static const uint8_t heads[2][14] = {{0x82, 0xff, 0x40}, {0x82, 0xff, 0, 0, 0, 0, 0, 0x0f, 0xff}};
  if (peer->in_flight >= (peer->h1 ? 1 : 100)) return false;
  open_websocket(peer, "/ws", false);
  if (!begin_data(peer, sizeof heads[0])) return false;
  peer_put(peer, heads[peer->options->variant % 2], sizeof heads[0]);
  return true;
}

/* 1.9 MB of zeros in 12 KiB, again and again: a literal 0, then 258 times the byte before, and again. */
static bool step_bombs(struct peer *peer) {
  enum { PAYLOAD = 12288 };
  const uint8_t head[LONG_HEAD_BYTES] = {0xc2, 0xfe, PAYLOAD >> 8, PAYLOAD & 0xff};
  /* A block of fixed codes: literal 0 is 00110000, length 258 is 11000101, distance 1 is 00000. Bits fill bytes from
   * the lowest on. */
  uint8_t payload[PAYLOAD] = {0};
  size_t bit = 0;
  const struct { unsigned bits, count; } start[] = {{2, 3}, {0x0c, 8}}, repeat = {0xa3, 13};
  for (size_t i = 0; i < 2; i++)
    for (unsigned b = 0; b < start[i].count; b++, bit++)
      payload[bit / 8] |= (uint8_t)((start[i].bits >> b & 1) << bit % 8);
  while (bit + repeat.count <= 8 * PAYLOAD)
    for (unsigned b = 0; b < repeat.count; b++, bit++)
      payload[bit / 8] |= (uint8_t)((repeat.bits >> b & 1) << bit % 8);
  keep_open(peer, "/ws?deflate", true);
  if (!begin_data(peer, sizeof head + PAYLOAD)) return false;
  peer_put(peer, head, sizeof head);
  peer_put(peer, payload, PAYLOAD);
  return true;
}

static const struct attack attacks[] = {
    {"ws-pings", "WebSocket pings", step_pings, NULL, false},
    {"ws-messages", "WebSocket messages of `variant` bytes, echoed", step_messages, NULL, false},
    {"ws-fragments", "one WebSocket message in fragments of `variant` bytes", step_fragments, NULL,
     false},
    {"ws-promises", "WebSocket frames of 2^62 bytes, or variant 1 of 1 MiB, that do not come",
     step_promises, NULL, false},
    {"ws-bombs", "permessage-deflate bombs", step_bombs, NULL, false},
    {"h1-ws-pings", "the same over HTTP/1.1", step_pings, begin_h1, true},
    {"h1-ws-messages", "the same over HTTP/1.1", step_messages, begin_h1, true},
    {"h1-ws-fragments", "the same over HTTP/1.1", step_fragments, begin_h1, true},
    {"h1-ws-promises", "the same over HTTP/1.1", step_promises, begin_h1, true},
    {"h1-ws-bombs", "the same over HTTP/1.1", step_bombs, begin_h1, true},
};

const struct attack_list attack_ws = ATTACK_LIST(attacks);
