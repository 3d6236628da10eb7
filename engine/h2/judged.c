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

/* Mixes both ends of a block (not empty): blocks of similar responses mostly differ in a few octets.
 * All of them count in the upper bits of the product. */
static struct h2_judged *place_of(struct h2_judged *judged, struct span block) {
  const uint8_t *at = block.base, *end = at + block.len;
  uint64_t first, last;
  if (block.len >= 8)
    first = load(at, 8), last = load(end - 8, 8);
  else if (block.len >= 4)
    first = load(at, 4), last = load(end - 4, 4);
  else
    first = at[0], last = (uint64_t)at[block.len / 2] << 8 | end[-1];
  uint64_t mixed = (first * 31 ^ last) * 0x9e3779b97f4a7c15u; /* 2^64 divided by the golden ratio */
  return &judged[(mixed >> 32) * H2_JUDGED_COUNT >> 32];
}

const struct h2_answer *h2_judged_find(struct h2_judged *const *judged, uint64_t state,
                                       struct span block) {
  if (!*judged || state == 0 || block.len == 0) return NULL;
  const struct h2_judged *at = place_of(*judged, block);
  if (at->state != state || at->len != block.len) return NULL;
  return memcmp(at->block, block.base, block.len) == 0 ? &at->answer : NULL;
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
  struct h2_judged *at = place_of(*judged, block);
  at->state = state;
  at->answer = *answer;
  at->len = (uint16_t)block.len;
  memcpy(at->block, block.base, block.len);
}

void h2_judged_free(struct h2_judged **judged, const struct memory *memory) {
  memory_free(memory, *judged, judged_bytes);
  *judged = NULL;
}
