/*
 * h2/budget.h - how much of a legal nuisance a peer may make, as token buckets.
 * Defaults, units, reasons and CVEs: base/limits.h.
 * Owner: embedded; no allocation.
 */
#ifndef WEIR_H2_BUDGET_H
#define WEIR_H2_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct h2_budget {
  uint32_t tokens;     /* what is left */
  uint32_t burst;      /* most that can be left */
  uint32_t per_second; /* what time gives back */
  uint64_t filled_ns;  /* when time last gave something back */
};

void h2_budget_init(struct h2_budget *budget, uint32_t burst, uint32_t per_second, uint64_t now_ns);

/* Takes `cost` tokens; false when they are not there (the budget is then empty). */
__attribute__((warn_unused_result)) bool h2_budget_spend(struct h2_budget *budget, uint32_t cost,
                                                         uint64_t now_ns);

/* Gives one token back: the peer did something useful. */
void h2_budget_refund(struct h2_budget *budget);

#endif
