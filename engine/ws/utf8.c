/*
 * ws/utf8.c - validates UTF-8; see ws/utf8.h.
 */
#include "engine/ws/utf8.h"

#include <string.h>

enum { BLOCK = 32 };

/* What follows a first octet (RFC 3629 section 4): the number of continuation octets, and the range of
 * the first of them. The others are 80 .. BF. False for an octet that begins no character. */
static bool begin(struct ws_utf8 *state, uint8_t octet) {
  static const struct {
    uint8_t first, last;
    struct ws_utf8 then;
  } rows[] = {
      {0x00, 0x7f, {0, 0x80, 0xbf}}, {0xc2, 0xdf, {1, 0x80, 0xbf}}, {0xe0, 0xe0, {2, 0xa0, 0xbf}},
      {0xe1, 0xec, {2, 0x80, 0xbf}}, {0xed, 0xed, {2, 0x80, 0x9f}}, {0xee, 0xef, {2, 0x80, 0xbf}},
      {0xf0, 0xf0, {3, 0x90, 0xbf}}, {0xf1, 0xf3, {3, 0x80, 0xbf}}, {0xf4, 0xf4, {3, 0x80, 0x8f}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (octet < rows[i].first || octet > rows[i].last) continue;
    *state = rows[i].then;
    return true;
  }
  return false;
}

static bool take(struct ws_utf8 *state, uint8_t octet) {
  if (state->left == 0) return octet < 0x80 || begin(state, octet);
  if (octet < state->low || octet > state->high) return false;
  *state = (struct ws_utf8){(uint8_t)(state->left - 1), 0x80, 0xbf};
  return true;
}

/* Octets at the front that are ASCII, in whole blocks. */
static size_t ascii_blocks(const uint8_t *at, size_t len) {
  size_t done = 0;
  for (; len - done >= BLOCK; done += BLOCK) {
    uint64_t words[BLOCK / 8];
    memcpy(words, at + done, BLOCK);
    if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u) break;
  }
  return done;
}

bool ws_utf8_portable(struct ws_utf8 *state, struct span bytes) {
  for (size_t i = 0; i < bytes.len; i++)
    if (!take(state, bytes.base[i])) return false;
  return true;
}

bool ws_utf8(struct ws_utf8 *state, struct span bytes) {
  size_t at = 0;
  while (at < bytes.len) {
    if (state->left == 0) at += ascii_blocks(bytes.base + at, bytes.len - at);
    /* Up to the next block, and on to the end of a character: only there ASCII can begin. */
    size_t stop = bytes.len - at < BLOCK ? bytes.len : at + BLOCK;
    for (; at < stop || (at < bytes.len && state->left > 0); at++)
      if (!take(state, bytes.base[at])) return false;
  }
  return true;
}
