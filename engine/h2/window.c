/*
 * h2/window.c - arithmetic of both halves of h2/window.h.
 */
#include "engine/h2/window.h"

#include <assert.h>

bool h2_window_add(struct h2_window *window, uint32_t bytes) {
  assert(bytes >= 1 && bytes <= H2_WINDOW_MAX);
#ifdef WEIR_CANARY_LOST_CREDIT /* a bug on demand, which the simulation must find */
  if (bytes % 16 == 1) return true;
#endif
  return h2_window_shift(window, bytes);
}

bool h2_window_shift(struct h2_window *window, int64_t delta) {
  int64_t sum = window->bytes + delta;
  if (sum > H2_WINDOW_MAX || sum < -(int64_t)H2_WINDOW_MAX) return false;
  window->bytes = (int32_t)sum;
  return true;
}

void h2_window_spend(struct h2_window *window, uint32_t bytes) {
  assert(bytes <= h2_window_available(window));
  window->bytes -= (int32_t)bytes;
}

#ifdef WEIR_INVARIANTS
static void invariants(const struct h2_credit *credit) {
  assert(credit->target <= H2_WINDOW_MAX);
  assert(credit->granted <= H2_WINDOW_MAX);
  assert(credit->granted + credit->held + credit->returnable >= credit->target);
}
#else
static void invariants(const struct h2_credit *credit) {
  (void)credit;
}
#endif

void h2_credit_init(struct h2_credit *credit, uint32_t bytes) {
  *credit = (struct h2_credit){.granted = bytes, .target = bytes, .cap = H2_CREDIT_UNCAPPED};
  invariants(credit);
}

bool h2_credit_arrive(struct h2_credit *credit, uint32_t bytes) {
  if (bytes > 0 && bytes > credit->granted) return false; /* an empty frame needs no window */
  credit->granted -= bytes;
  credit->held += bytes;
  credit->arrived += bytes;
  return true;
}

void h2_credit_consume(struct h2_credit *credit, uint32_t bytes) {
  assert(bytes <= credit->held);
  credit->held -= bytes;
  credit->returnable += bytes;
  h2_credit_retarget(credit, credit->target); /* drops what a smaller target took away */
}

void h2_credit_retarget(struct h2_credit *credit, uint32_t target) {
  int64_t excess = credit->granted + credit->held + credit->returnable - target;
  credit->target = target;
  if (excess < 0)
    credit->returnable += (uint32_t)-excess;
  else if (excess > 0)
    credit->returnable -= excess < credit->returnable ? (uint32_t)excess : credit->returnable;
  invariants(credit);
}

void h2_credit_cap(struct h2_credit *credit, uint64_t bytes) {
  credit->cap = bytes;
}

/* How many more bytes the cap lets us grant. */
static uint64_t below_cap(const struct h2_credit *credit) {
  if (credit->cap == H2_CREDIT_UNCAPPED) return UINT64_MAX;
  int64_t room = (int64_t)(credit->cap - credit->arrived) - credit->granted;
  return credit->cap > credit->arrived && room > 0 ? (uint64_t)room : 0;
}

uint32_t h2_credit_due(const struct h2_credit *credit) {
  uint64_t room = below_cap(credit);
  return room < credit->returnable ? (uint32_t)room : credit->returnable;
}

void h2_credit_shrink(struct h2_credit *credit, uint32_t bytes) {
  assert(bytes <= credit->target);
  credit->granted -= bytes;
  credit->target -= bytes;
  invariants(credit);
}

uint32_t h2_credit_take(struct h2_credit *credit, uint32_t least) {
  uint32_t bytes = h2_credit_due(credit);
  bool capped = bytes < credit->returnable;
  if (bytes == 0 || (bytes < least && !capped)) return 0;
  credit->returnable -= bytes;
  credit->granted += bytes;
  invariants(credit);
  return bytes;
}
