/*
 * h2/judged.c - see h2/judged.h.
 */
#include "engine/h2/judged.h"

#include <string.h>

static const size_t judged_bytes = H2_JUDGED_COUNT * sizeof(struct h2_judged);

static uint64_t load(const uint8_t *at, size_t len) {
  uint64_t octets = 0;
  memcpy(&octets, at, len);
  return octets;
}

/* Both ends of a block, which is not empty; all of it, up to H2_JUDGED_ENDS_BYTES. */
static struct h2_judged_ends ends_of(struct span block) {
  const uint8_t *at = block.base, *end = at + block.len;
  if (block.len >= 8) return (struct h2_judged_ends){load(at, 8), load(end - 8, 8)};
  if (block.len >= 4) return (struct h2_judged_ends){load(at, 4), load(end - 4, 4)};
  return (struct h2_judged_ends){at[0], (uint64_t)at[block.len / 2] << 8 | end[-1]};
}

/* Blocks of similar responses mostly differ in a few octets at an end. All of them count in the upper bits
 * of the product. */
static struct h2_judged *place_of(struct h2_judged *judged, struct h2_judged_ends ends) {
  uint64_t mixed = (ends.first * 31 ^ ends.last) * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
  return &judged[(mixed >> 32) * H2_JUDGED_COUNT >> 32];
}

static bool is_kept_at(const struct h2_judged *at, struct span block, struct h2_judged_ends ends) {
  if (at->len != block.len || at->ends.first != ends.first || at->ends.last != ends.last)
    return false;
  return block.len <= H2_JUDGED_ENDS_BYTES || memcmp(at->block, block.base, block.len) == 0;
}

const struct h2_answer *h2_judged_find(struct h2_judged *const *judged, uint64_t state,
                                       struct span block) {
  if (!*judged || state == 0 || block.len == 0) return NULL;
  const struct h2_judged_ends ends = ends_of(block);
  const struct h2_judged *at = place_of(*judged, ends);
  return at->state == state && is_kept_at(at, block, ends) ? &at->answer : NULL;
}

/* False when memory was refused: every block is then decoded. */
static bool have_places(struct h2_judged **judged, const struct memory *memory) {
  if (*judged) return true;
  *judged = memory_alloc(memory, judged_bytes);
  if (*judged) memset(*judged, 0, judged_bytes);
  return *judged;
}

void h2_judged_keep(struct h2_judged **judged, const struct memory *memory, uint64_t state,
                    struct span block, const struct h2_answer *answer) {
  bool fits = block.len > 0 && block.len <= H2_JUDGED_BYTES_MAX;
  if (!fits || !have_places(judged, memory)) return;
  const struct h2_judged_ends ends = ends_of(block);
  struct h2_judged *at = place_of(*judged, ends);
  at->state = state;
  at->ends = ends;
  at->answer = *answer;
  at->len = (uint16_t)block.len;
  memcpy(at->block, block.base, block.len);
}

void h2_judged_free(struct h2_judged **judged, const struct memory *memory) {
  memory_free(memory, *judged, judged_bytes);
  *judged = NULL;
}
