/*
 * base/window.c - arithmetic of both halves of base/window.h.
 */
#include "engine/base/window.h"

#include <assert.h>

bool window_add(struct window *window, uint32_t bytes) {
  assert(bytes >= 1 && bytes <= WINDOW_MAX);
#ifdef WEIR_CANARY_LOST_CREDIT /* a bug on demand, which the simulation must find */
  if (bytes % 16 == 1) return true;
#endif
  return window_shift(window, bytes);
}

bool window_shift(struct window *window, int64_t delta) {
  int64_t sum = window->bytes + delta;
  if (sum > WINDOW_MAX || sum < -(int64_t)WINDOW_MAX) return false;
  window->bytes = (int32_t)sum;
  return true;
}

void window_spend(struct window *window, uint32_t bytes) {
  assert(bytes <= window_available(window));
  window->bytes -= (int32_t)bytes;
}

#ifdef WEIR_INVARIANTS
static void invariants(const struct window_credit *credit) {
  assert(credit->target <= WINDOW_MAX);
  assert(credit->granted <= WINDOW_MAX);
  assert(credit->granted + credit->held + credit->returnable >= credit->target);
}
#else
static void invariants(const struct window_credit *credit) {
  (void)credit;
}
#endif

void window_credit_init(struct window_credit *credit, uint32_t bytes) {
  *credit = (struct window_credit){.granted = bytes, .target = bytes, .cap = WINDOW_UNCAPPED};
  invariants(credit);
}

void window_credit_overrun(struct window_credit *credit, uint32_t bytes) {
  credit->granted -= bytes;
  credit->held += bytes;
  credit->arrived += bytes;
}

bool window_credit_arrive(struct window_credit *credit, uint32_t bytes) {
  if (bytes > 0 && bytes > credit->granted) return false; /* an empty frame needs no window */
  window_credit_overrun(credit, bytes);
  return true;
}

void window_credit_consume(struct window_credit *credit, uint32_t bytes) {
  assert(bytes <= credit->held);
  credit->held -= bytes;
  window_credit_retarget(credit, credit->target); /* what the target now lacks becomes returnable */
}

void window_credit_retarget(struct window_credit *credit, uint32_t target) {
  int64_t excess = credit->granted + credit->held + credit->returnable - target;
  credit->target = target;
  if (excess < 0)
    credit->returnable += (uint32_t)-excess;
  else if (excess > 0)
    credit->returnable -= excess < credit->returnable ? (uint32_t)excess : credit->returnable;
  invariants(credit);
}

void window_credit_cap(struct window_credit *credit, uint64_t bytes) {
  credit->cap = bytes;
}

/* How many more bytes the cap lets us grant. */
static uint64_t below_cap(const struct window_credit *credit) {
  if (credit->cap == WINDOW_UNCAPPED) return UINT64_MAX;
  int64_t room = (int64_t)(credit->cap - credit->arrived) - credit->granted;
  return credit->cap > credit->arrived && room > 0 ? (uint64_t)room : 0;
}

uint32_t window_credit_due(const struct window_credit *credit) {
  if (credit->returnable == 0) return 0;
  uint64_t room = below_cap(credit);
  return room < credit->returnable ? (uint32_t)room : credit->returnable;
}

void window_credit_shrink(struct window_credit *credit, uint32_t bytes) {
  assert(bytes <= credit->target);
  credit->granted -= bytes;
  credit->target -= bytes;
  invariants(credit);
}

uint32_t window_credit_take(struct window_credit *credit, uint32_t least) {
  uint32_t bytes = window_credit_due(credit);
  bool capped = bytes < credit->returnable;
  if (bytes == 0 || (bytes < least && !capped)) return 0;
  credit->returnable -= bytes;
  credit->granted += bytes;
  invariants(credit);
  return bytes;
}
