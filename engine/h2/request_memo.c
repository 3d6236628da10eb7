/*
 * h2/request_memo.c - see h2/request_memo.h.
 *
 * A place is found by a hash of the block and the state. What is kept there is compared by every octet, so that a
 * client which finds two blocks for one place only makes itself slower.
 */
#include "engine/h2/request_memo.h"

#include "engine/base/hash.h"
#include "engine/http/request_copy.h"

#include <string.h>

/* One allocation: this, the fields and their strings, and the block. */
struct h2_request_memo {
  struct h2_asked asked;
  uint64_t state; /* hpack_decoder_state() for which it holds */
  struct span block;
  size_t bytes; /* of all this */
  struct headers fields;
  struct header room[];
};

/* ---- places ---------------------------------------------------------------------------------- */

static uint64_t mark_of(const struct h2_coded *coded) {
  return hash_of(coded->state, coded->bytes);
}

static bool is_kept(const struct h2_request_memo *kept, const struct h2_coded *coded) {
  return kept && kept->state == coded->state && span_equal(kept->block, coded->bytes);
}

/* The same request often comes several times in a row. */
struct h2_asked *h2_request_memo_find(struct h2_request_memos *memos,
                                      const struct h2_coded *coded) {
  if (is_kept(memos->last, coded)) return &memos->last->asked;
  if (coded->bytes.len == 0 || coded->bytes.len > H2_REQUEST_MEMO_BLOCK_BYTES_MAX) return NULL;
  struct h2_request_memo *kept = memos->kept[mark_of(coded) % H2_REQUEST_MEMOS];
  if (!is_kept(kept, coded)) return NULL;
  memos->last = kept;
  return &kept->asked;
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* NULL when it would be too long, or memory was refused. */
static struct h2_request_memo *make(const struct memory *memory, const struct h2_coded *coded,
                                    const struct h2_asked *asked) {
  const size_t copy_bytes = request_copy_bytes(&asked->request);
  const size_t bytes = sizeof(struct h2_request_memo) + copy_bytes + coded->bytes.len;
  struct h2_request_memo *kept =
      bytes <= H2_REQUEST_MEMO_BYTES_MAX ? memory_alloc(memory, bytes) : NULL;
  if (!kept) return NULL;
  uint8_t *block = (uint8_t *)kept->room + copy_bytes;
  memcpy(block, coded->bytes.base, coded->bytes.len);
  kept->asked = *asked;
  kept->state = coded->state;
  kept->block = span_of(block, coded->bytes.len);
  kept->bytes = bytes;
  request_copy(&kept->asked.request, &kept->fields, kept->room);
  return kept;
}

static void drop(struct h2_request_memos *memos, unsigned place, const struct memory *memory) {
  struct h2_request_memo *kept = memos->kept[place];
  if (memos->last == kept) memos->last = NULL;
  if (kept) memory_free(memory, kept, kept->bytes);
  memos->kept[place] = NULL;
}

struct h2_asked *h2_request_memo_note(struct h2_request_memos *memos, const struct memory *memory,
                                      const struct h2_coded *coded, const struct h2_asked *asked) {
  const size_t len = coded->bytes.len;
  if (len == 0 || len > H2_REQUEST_MEMO_BLOCK_BYTES_MAX || asked->request.protocol.len > 0)
    return NULL;
  const uint64_t hash = mark_of(coded);
  const unsigned place = hash % H2_REQUEST_MEMOS;
  const uint32_t tag = (uint32_t)(hash >> 32) | 1;
  const bool again = memos->seen[place] == tag;
  memos->seen[place] = tag;
  if (!again) return NULL;
  drop(memos, place, memory);
  memos->kept[place] = make(memory, coded, asked);
  return memos->kept[place] ? &memos->kept[place]->asked : NULL;
}

void h2_request_memo_free(struct h2_request_memos *memos, const struct memory *memory) {
  for (unsigned i = 0; i < H2_REQUEST_MEMOS; i++) {
    drop(memos, i, memory);
    memos->seen[i] = 0;
  }
}
