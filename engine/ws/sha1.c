/*
 * ws/sha1.c - see ws/sha1.h. Names are those of RFC 3174 section 6.1.
 */
#include "engine/ws/sha1.h"

#include <assert.h>
#include <string.h>

#include "engine/base/wire.h"

/* Fixed by RFC 3174: bytes of a block, of the length at the end of the last one, and rounds. */
enum { BLOCK_BYTES = 64, LENGTH_BYTES = 8, ROUNDS = 80 };

static uint32_t rotate(uint32_t word, unsigned bits) {
  return word << bits | word >> (32 - bits);
}

/* f(t; B, C, D) + K(t) */
static uint32_t mix(unsigned t, uint32_t b, uint32_t c, uint32_t d) {
  switch (t / 20) {
  case 0: return ((b & c) | (~b & d)) + 0x5a827999;
  case 1: return (b ^ c ^ d) + 0x6ed9eba1;
  case 2: return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  default: return (b ^ c ^ d) + 0xca62c1d6;
  }
}

static void add_block(uint32_t h[5], const uint8_t block[BLOCK_BYTES]) {
  uint32_t w[ROUNDS], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
  for (unsigned t = 0; t < 16; t++)
    w[t] = wire_get32(block + (size_t)4 * t);
  for (unsigned t = 16; t < ROUNDS; t++)
    w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  for (unsigned t = 0; t < ROUNDS; t++) {
    uint32_t next = rotate(a, 5) + mix(t, b, c, d) + e + w[t];
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* The rest of the text, a 1 bit, zeros, and the number of bits: one block, or two. */
static void add_end(uint32_t h[5], struct span rest, size_t text_bytes) {
  uint8_t last[2 * BLOCK_BYTES] = {0};
  size_t blocks = rest.len + 1 + LENGTH_BYTES > BLOCK_BYTES ? 2 : 1;
  if (rest.len > 0) memcpy(last, rest.base, rest.len);
  last[rest.len] = 0x80;
  wire_put32(last + blocks * BLOCK_BYTES - 4, (uint32_t)(text_bytes * 8));
  for (size_t i = 0; i < blocks; i++)
    add_block(h, last + i * BLOCK_BYTES);
}

void ws_sha1(struct span text, uint8_t digest[SHA1_BYTES]) {
  uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  struct span rest = text;
  assert(text.len <= UINT32_MAX / 8);
  for (; rest.len >= BLOCK_BYTES; rest = span_of(rest.base + BLOCK_BYTES, rest.len - BLOCK_BYTES))
    add_block(h, rest.base);
  add_end(h, rest, text.len);
  for (size_t i = 0; i < 5; i++)
    wire_put32(digest + 4 * i, h[i]);
}
