/*
 * base/budget.c - token buckets; see base/budget.h.
 */
#include "engine/base/budget.h"

#include "engine/base/limits.h"

#include <assert.h>

void budget_init(struct budget *budget, uint32_t burst, uint32_t per_second, uint64_t now_ns) {
  assert(per_second > 0);
  *budget = (struct budget){
      .tokens = burst, .burst = burst, .per_second = per_second, .filled_ns = now_ns};
}

/* Adds whole tokens; the time left over counts for the next call. */
static void refill(struct budget *budget, uint64_t now_ns) {
  uint64_t token_ns = SECOND_NS / budget->per_second;
  if (now_ns < budget->filled_ns + token_ns) return;
  uint64_t earned = (now_ns - budget->filled_ns) / token_ns;
  budget->filled_ns += earned * token_ns;
  uint64_t tokens = budget->tokens + earned;
  budget->tokens = tokens < budget->burst ? (uint32_t)tokens : budget->burst;
}

bool budget_spend(struct budget *budget, uint32_t cost, uint64_t now_ns) {
  if (budget->tokens < budget->burst)
    refill(budget, now_ns);
  else
    budget->filled_ns = now_ns;
  bool enough = budget->tokens >= cost;
  budget->tokens = enough ? budget->tokens - cost : 0;
  return enough;
}

void budget_refund(struct budget *budget) {
  if (budget->tokens < budget->burst) budget->tokens++;
}
