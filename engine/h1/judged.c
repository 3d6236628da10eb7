/*
 * h1/judged.c - see h1/judged.h.
 */
#include "engine/h1/judged.h"

#include <string.h>

static const size_t judged_bytes = H1_JUDGED_COUNT * sizeof(struct h1_judged);

static bool begins_with(struct span in, const struct h1_judged *judged) {
  return judged->len > 0 && in.len >= judged->len &&
         memcmp(in.base, judged->head, judged->len) == 0;
}

const struct h1_answer *h1_judged_find(struct h1_judged_list *list, struct span in) {
  if (!list->at) return NULL;
  for (uint32_t i = 0; i < H1_JUDGED_COUNT; i++) {
    uint32_t place = (list->last + i) % H1_JUDGED_COUNT;
    if (!begins_with(in, &list->at[place])) continue;
    list->last = place;
    return &list->at[place].answer;
  }
  return NULL;
}

/* False when memory was refused: every head is then read. */
static bool have_places(struct h1_judged_list *list, const struct memory *memory) {
  if (list->at) return true;
  list->at = memory_alloc(memory, judged_bytes);
  if (list->at) memset(list->at, 0, judged_bytes);
  return list->at;
}

void h1_judged_keep(struct h1_judged_list *list, const struct memory *memory, struct span head,
                    const struct h1_answer *answer) {
  bool fits = head.len > 0 && head.len <= H1_JUDGED_BYTES_MAX;
  if (!fits || !have_places(list, memory)) return;
  struct h1_judged *at = &list->at[list->next];
  at->answer = *answer;
  at->len = (uint16_t)head.len;
  memcpy(at->head, head.base, head.len);
  list->last = list->next;
  list->next = (list->next + 1) % H1_JUDGED_COUNT;
}

void h1_judged_free(struct h1_judged_list *list, const struct memory *memory) {
  memory_free(memory, list->at, judged_bytes);
  list->at = NULL;
}
