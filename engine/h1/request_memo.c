/*
 * h1/request_memo.c - see h1/request_memo.h.
 *
 * What is kept at a place is compared by every byte, so that a client which finds two heads for one place only makes
 * itself slower.
 */
#include "engine/h1/request_memo.h"

#include "engine/base/hash.h"
#include "engine/http/request_copy.h"

#include <string.h>

/* One allocation: this, the fields and their strings, and the head. */
struct h1_request_memo {
  struct h1_said said;
  struct span head;
  bool secure;
  size_t bytes; /* of all this */
  struct headers fields;
  struct header room[];
};

/* ---- places ---------------------------------------------------------------------------------- */

/* Of the first line; 0: it is too long. */
static uint64_t mark_of(struct span in, struct h1_from from) {
  const size_t most = in.len < H1_REQUEST_MEMO_BYTES_MAX ? in.len : H1_REQUEST_MEMO_BYTES_MAX;
  const uint8_t *end = memchr(in.base, '\n', most);
  const uint64_t seed = (uint64_t)from.section << 1 | from.secure;
  return end ? hash_of(seed, span_of(in.base, (size_t)(end - in.base) + 1)) : 0;
}

static bool begins_with(struct span in, const struct h1_request_memo *memo) {
  return in.len >= memo->head.len && memcmp(in.base, memo->head.base, memo->head.len) == 0;
}

const struct h1_said *h1_request_memo_find(const struct h1_request_memos *memos, struct span in,
                                           struct h1_from from) {
  const uint64_t mark = mark_of(in, from);
  const struct h1_request_memo *memo = mark ? memos->kept[mark % H1_REQUEST_MEMOS] : NULL;
  return memo && memo->secure == from.secure && begins_with(in, memo) ? &memo->said : NULL;
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* NULL when it would be too long, or memory was refused. */
static struct h1_request_memo *make(const struct memory *memory, struct span head,
                                    struct h1_from from, const struct h1_said *said) {
  const size_t copy_bytes = request_copy_bytes(&said->request);
  const size_t bytes = sizeof(struct h1_request_memo) + copy_bytes + head.len;
  struct h1_request_memo *memo =
      bytes <= H1_REQUEST_MEMO_BYTES_MAX ? memory_alloc(memory, bytes) : NULL;
  if (!memo) return NULL;
  uint8_t *text = (uint8_t *)memo->room + copy_bytes;
  memcpy(text, head.base, head.len);
  memo->said = *said;
  memo->head = span_of(text, head.len);
  memo->secure = from.secure;
  memo->bytes = bytes;
  request_copy(&memo->said.request, &memo->fields, memo->room);
  return memo;
}

static void drop(struct h1_request_memo **place, const struct memory *memory) {
  if (*place) memory_free(memory, *place, (*place)->bytes);
  *place = NULL;
}

struct request *h1_request_memo_note(struct h1_request_memos *memos, const struct memory *memory,
                                     struct span head, struct h1_from from,
                                     const struct h1_said *said) {
  const uint64_t mark = mark_of(head, from);
  if (mark == 0) return NULL;
  const unsigned place = mark % H1_REQUEST_MEMOS;
  const uint32_t tag = (uint32_t)(mark >> 32) | 1;
  const bool again = memos->seen[place] == tag;
  memos->seen[place] = tag;
  if (!again) return NULL;
  drop(&memos->kept[place], memory);
  memos->kept[place] = make(memory, head, from, said);
  return memos->kept[place] ? &memos->kept[place]->said.request : NULL;
}

void h1_request_memo_free(struct h1_request_memos *memos, const struct memory *memory) {
  for (unsigned i = 0; i < H1_REQUEST_MEMOS; i++) {
    drop(&memos->kept[i], memory);
    memos->seen[i] = 0;
  }
}
