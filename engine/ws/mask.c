/*
 * ws/mask.c - masks payload; see ws/mask.h.
 */
#include "engine/ws/mask.h"

#include <string.h>

/* Compilers split a vector into the registers that the machine has. */
typedef uint32_t block __attribute__((vector_size(32)));

/* The key as it applies to a payload whose first byte is at `offset`. */
static struct ws_key turned(struct ws_key key, uint64_t offset) {
  struct ws_key turn;
  for (size_t i = 0; i < 4; i++)
    turn.octets[i] = key.octets[(offset + i) % 4];
  return turn;
}

void ws_mask_portable(uint8_t *out, const uint8_t *in, size_t len, struct ws_key key,
                      uint64_t offset) {
  for (size_t i = 0; i < len; i++)
    out[i] = in[i] ^ key.octets[(offset + i) % 4];
}

void ws_mask(uint8_t *out, const uint8_t *in, size_t len, struct ws_key key, uint64_t offset) {
  struct ws_key turn = turned(key, offset);
  uint32_t word;
  memcpy(&word, turn.octets, sizeof word);
  const block keys = {word, word, word, word, word, word, word, word};
  size_t at = 0;
  for (; len - at >= 2 * sizeof(block); at += 2 * sizeof(block)) {
    block a, b;
    memcpy(&a, in + at, sizeof a);
    memcpy(&b, in + at + sizeof a, sizeof b);
    a ^= keys;
    b ^= keys;
    memcpy(out + at, &a, sizeof a);
    memcpy(out + at + sizeof a, &b, sizeof b);
  }
  for (; len - at >= sizeof word; at += sizeof word) {
    uint32_t four;
    memcpy(&four, in + at, sizeof four);
    four ^= word;
    memcpy(out + at, &four, sizeof four);
  }
  for (; at < len; at++)
    out[at] = in[at] ^ turn.octets[at % 4];
}
