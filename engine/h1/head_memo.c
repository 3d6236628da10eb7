/*
 * h1/head_memo.c - see h1/head_memo.h.
 */
#include "engine/h1/head_memo.h"

#include <assert.h>
#include <string.h>

/* The place of `set`, which is its own from now on. */
static struct h1_head_memo *place_of(struct h1_shared *shared, struct header_set *set) {
  if (set->number == 0) set->number = ++shared->sets_numbered;
  struct h1_head_memo *memo = &shared->heads[set->number % H1_HEAD_MEMOS];
  if (memo->number != set->number) memo->len = 0;
  memo->number = set->number;
  return memo;
}

static uint64_t key_of(const struct h1_adds *adds) {
  uint64_t key;
  _Static_assert(sizeof *adds == sizeof key, "all of it, without padding");
  memcpy(&key, adds, sizeof key);
  return key;
}

static void keep(struct h1_head_memo *memo, const struct h1_text *text, uint64_t key,
                 int64_t date_seconds) {
  memo->len = 0;
  if (text->len > sizeof memo->bytes) return;
  memcpy(memo->bytes, text->bytes, text->len);
  memo->len = (uint16_t)text->len;
  memo->key = key;
  memo->date_seconds = date_seconds;
}

struct span h1_head_memo_find(struct h1 *h1, struct header_set *set, const struct h1_adds *adds) {
  const struct h1_head_memo *memo = place_of(h1->shared, set);
  const bool same = memo->key == key_of(adds) && memo->date_seconds == h1->http->date_seconds;
  return same ? span_of(memo->bytes, memo->len) : (struct span){.base = NULL};
}

void h1_head_memo_keep(struct h1 *h1, struct header_set *set, const struct h1_adds *adds,
                       const struct h1_text *text) {
  assert(adds->connection != H1_SAY_UPGRADE && text->content_len == 0);
  keep(place_of(h1->shared, set), text, key_of(adds), h1->http->date_seconds);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Nothing else decides about their text. An engine may also send responses: no key of theirs is like this. */
static uint64_t request_key(bool body) {
  return UINT64_MAX - body;
}

struct h1_text *h1_head_memo_request(struct h1 *h1, struct header_set *set, bool body,
                                     struct h1_request_facts *out) {
  const struct h1_head_memo *memo = place_of(h1->shared, set);
  if (memo->len == 0 || memo->key != request_key(body)) return NULL;
  *out = memo->request;
  return h1_text_copy(h1, span_of(memo->bytes, memo->len));
}

void h1_head_memo_keep_request(struct h1 *h1, struct header_set *set, bool body,
                               const struct h1_text *text, const struct h1_request_facts *facts) {
  struct h1_head_memo *memo = place_of(h1->shared, set);
  keep(memo, text, request_key(body), 0);
  memo->request = *facts;
}
