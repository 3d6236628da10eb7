/*
 * h2/response_memo.c - see h2/response_memo.h.
 */
#include "engine/h2/response_memo.h"

#include <string.h>

static const size_t memos_bytes = H2_RESPONSE_MEMOS * sizeof(struct h2_response_memo);

static uint64_t load(const uint8_t *at, size_t len) {
  uint64_t octets = 0;
  memcpy(&octets, at, len);
  return octets;
}

/* Both ends of a block, which is not empty; all of it, up to H2_RESPONSE_MEMO_ENDS_BYTES. */
static struct h2_response_memo_ends ends_of(struct span block) {
  const uint8_t *at = block.base, *end = at + block.len;
  if (block.len >= 8) return (struct h2_response_memo_ends){load(at, 8), load(end - 8, 8)};
  if (block.len >= 4) return (struct h2_response_memo_ends){load(at, 4), load(end - 4, 4)};
  return (struct h2_response_memo_ends){at[0], (uint64_t)at[block.len / 2] << 8 | end[-1]};
}

/* Blocks of similar responses mostly differ in a few octets at an end. All of them count in the upper bits
 * of the product. */
static struct h2_response_memo *place_of(struct h2_response_memo *memos,
                                         struct h2_response_memo_ends ends) {
  uint64_t mixed = (ends.first * 31 ^ ends.last) * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
  return &memos[(mixed >> 32) * H2_RESPONSE_MEMOS >> 32];
}

static bool is_kept_at(const struct h2_response_memo *at, struct span block,
                       struct h2_response_memo_ends ends) {
  if (at->len != block.len || at->ends.first != ends.first || at->ends.last != ends.last)
    return false;
  return block.len <= H2_RESPONSE_MEMO_ENDS_BYTES || memcmp(at->block, block.base, block.len) == 0;
}

const struct h2_answer *h2_response_memo_find(struct h2_response_memo *const *memos, uint64_t state,
                                              struct span block) {
  if (!*memos || state == 0 || block.len == 0) return NULL;
  const struct h2_response_memo_ends ends = ends_of(block);
  const struct h2_response_memo *at = place_of(*memos, ends);
  return at->state == state && is_kept_at(at, block, ends) ? &at->answer : NULL;
}

/* False when memory was refused: every block is then decoded. */
static bool have_places(struct h2_response_memo **memos, const struct memory *memory) {
  if (*memos) return true;
  *memos = memory_alloc(memory, memos_bytes);
  if (*memos) memset(*memos, 0, memos_bytes);
  return *memos;
}

void h2_response_memo_keep(struct h2_response_memo **memos, const struct memory *memory,
                           uint64_t state, struct span block, const struct h2_answer *answer) {
  bool fits = block.len > 0 && block.len <= H2_RESPONSE_MEMO_BYTES_MAX;
  if (!fits || !have_places(memos, memory)) return;
  const struct h2_response_memo_ends ends = ends_of(block);
  struct h2_response_memo *at = place_of(*memos, ends);
  at->state = state;
  at->ends = ends;
  at->answer = *answer;
  at->len = (uint16_t)block.len;
  memcpy(at->block, block.base, block.len);
}

void h2_response_memo_free(struct h2_response_memo **memos, const struct memory *memory) {
  memory_free(memory, *memos, memos_bytes);
  *memos = NULL;
}
