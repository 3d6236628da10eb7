/*
 * h1/response_memo.c - see h1/response_memo.h.
 */
#include "engine/h1/response_memo.h"

#include <string.h>

static const size_t memos_bytes = H1_RESPONSE_MEMOS * sizeof(struct h1_response_memo);

static bool begins_with(struct span in, const struct h1_response_memo *memo) {
  return memo->len > 0 && in.len >= memo->len && memcmp(in.base, memo->head, memo->len) == 0;
}

const struct h1_answer *h1_response_memo_find(struct h1_response_memos *list, struct span in) {
  if (!list->at) return NULL;
  for (uint32_t i = 0; i < H1_RESPONSE_MEMOS; i++) {
    uint32_t place = (list->last + i) % H1_RESPONSE_MEMOS;
    if (!begins_with(in, &list->at[place])) continue;
    list->last = place;
    return &list->at[place].answer;
  }
  return NULL;
}

/* False when memory was refused: every head is then read. */
static bool have_places(struct h1_response_memos *list, const struct memory *memory) {
  if (list->at) return true;
  list->at = memory_alloc(memory, memos_bytes);
  if (list->at) memset(list->at, 0, memos_bytes);
  return list->at;
}

void h1_response_memo_keep(struct h1_response_memos *list, const struct memory *memory,
                           struct span head, const struct h1_answer *answer) {
  bool fits = head.len > 0 && head.len <= H1_RESPONSE_MEMO_BYTES_MAX;
  if (!fits || !have_places(list, memory)) return;
  struct h1_response_memo *at = &list->at[list->next];
  at->answer = *answer;
  at->len = (uint16_t)head.len;
  memcpy(at->head, head.base, head.len);
  list->last = list->next;
  list->next = (list->next + 1) % H1_RESPONSE_MEMOS;
}

void h1_response_memo_free(struct h1_response_memos *list, const struct memory *memory) {
  memory_free(memory, list->at, memos_bytes);
  list->at = NULL;
}
