/*
 * ws/mask.c - masks payload; see ws/mask.h.
 */
#include "engine/ws/mask.h"

#include <string.h>

/* What a register holds on every machine that has such registers. Of wider vectors gcc makes moves through the
 * stack. */
typedef uint32_t block __attribute__((vector_size(16)));

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

static inline void mask_block(uint8_t *out, const uint8_t *in, block keys) {
  block bytes;
  memcpy(&bytes, in, sizeof bytes);
  bytes ^= keys;
  memcpy(out, &bytes, sizeof bytes);
}

void ws_mask(uint8_t *out, const uint8_t *in, size_t len, struct ws_key key, uint64_t offset) {
  struct ws_key turn = turned(key, offset);
  uint32_t word;
  memcpy(&word, turn.octets, sizeof word);
  const block keys = {word, word, word, word};
  size_t at = 0;
  for (; len - at >= 4 * sizeof(block); at += 4 * sizeof(block)) {
    mask_block(out + at, in + at, keys);
    mask_block(out + at + sizeof(block), in + at + sizeof(block), keys);
    mask_block(out + at + 2 * sizeof(block), in + at + 2 * sizeof(block), keys);
    mask_block(out + at + 3 * sizeof(block), in + at + 3 * sizeof(block), keys);
  }
  for (; len - at >= sizeof(block); at += sizeof(block))
    mask_block(out + at, in + at, keys);
  for (; len - at >= sizeof word; at += sizeof word) {
    uint32_t four;
    memcpy(&four, in + at, sizeof four);
    four ^= word;
    memcpy(out + at, &four, sizeof four);
  }
  for (; at < len; at++)
    out[at] = in[at] ^ turn.octets[at % 4];
}
