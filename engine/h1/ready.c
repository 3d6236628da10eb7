/*
 * h1/ready.c - see h1/ready.h.
 */
#include "engine/h1/ready.h"

#include <assert.h>
#include <string.h>

/* The place of `set`, which is its own from now on. */
static struct h1_ready *place_of(struct h1_shared *shared, struct header_set *set) {
  if (set->number == 0) set->number = ++shared->sets_numbered;
  struct h1_ready *ready = &shared->ready[set->number % H1_READY_TEXTS];
  if (ready->number != set->number) ready->len = 0;
  ready->number = set->number;
  return ready;
}

/* All that decides about the text, besides the fields and the date. */
static uint32_t key_of(const struct h1 *h1, const struct h1_plan *plan) {
  assert(plan->connection != H1_SAY_UPGRADE && plan->content.len == 0);
  return plan->status | (uint32_t)plan->connection << 16 | (uint32_t)plan->leave_length << 18 |
         (uint32_t)plan->add_zero_length << 19 | (uint32_t)plan->add_chunked << 20 |
         (uint32_t)plan->add_date << 21 | (uint32_t)plan->add_server << 22 |
         (uint32_t)(h1->http->date[0] != 0) << 23;
}

static void keep(struct h1_ready *ready, const struct h1_text *text, uint32_t key,
                 int64_t date_seconds) {
  ready->len = 0;
  if (text->len > sizeof ready->bytes) return;
  memcpy(ready->bytes, text->bytes, text->len);
  ready->len = (uint16_t)text->len;
  ready->key = key;
  ready->date_seconds = date_seconds;
}

struct h1_text *h1_ready_text(struct h1 *h1, struct header_set *set, const struct h1_plan *plan,
                              const struct h1_survey *survey) {
  struct h1_ready *ready = place_of(h1->shared, set);
  const uint32_t key = key_of(h1, plan);
  const int64_t date_seconds = h1->http->date_seconds;
  if (ready->len > 0 && ready->key == key && ready->date_seconds == date_seconds)
    return h1_text_copy(h1, span_of(ready->bytes, ready->len));
  struct h1_text *text = h1_text_make(h1, plan, survey);
  if (text) keep(ready, text, key, date_seconds);
  return text;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Nothing else decides about their text. An engine may also send responses: no key of theirs has this bit. */
static uint32_t request_key(bool body) {
  return UINT32_C(1) << 31 | body;
}

struct h1_text *h1_ready_request(struct h1 *h1, struct header_set *set, bool body,
                                 struct h1_request_facts *out) {
  const struct h1_ready *ready = place_of(h1->shared, set);
  if (ready->len == 0 || ready->key != request_key(body)) return NULL;
  *out = ready->request;
  return h1_text_copy(h1, span_of(ready->bytes, ready->len));
}

void h1_ready_keep_request(struct h1 *h1, struct header_set *set, bool body,
                           const struct h1_text *text, const struct h1_request_facts *facts) {
  struct h1_ready *ready = place_of(h1->shared, set);
  keep(ready, text, request_key(body), 0);
  ready->request = *facts;
}
