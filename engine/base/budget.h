/*
 * base/budget.h - token buckets: how many legal but annoying things a peer may do.
 * Defaults, units, reasons and CVEs: base/limits.h.
 * Owner: embedded; no allocation.
 */
#ifndef WEIR_BASE_BUDGET_H
#define WEIR_BASE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
  uint32_t tokens;     /* what is left */
  uint32_t burst;      /* most tokens */
  uint32_t per_second; /* tokens that time gives back */
  uint64_t filled_ns;  /* when time last gave tokens back */
};

void budget_init(struct budget *budget, uint32_t burst, uint32_t per_second, uint64_t now_ns);

/* Takes `cost` tokens. False if there are fewer; then none is left. */
__attribute__((warn_unused_result)) bool budget_spend(struct budget *budget, uint32_t cost,
                                                      uint64_t now_ns);

/* Gives one token back, because the peer did something useful. */
void budget_refund(struct budget *budget);

#endif
