/*
 * base/merit.c - see base/merit.h.
 */
#include "engine/base/merit.h"

void merit_init(struct merit *merit, uint64_t now_ns) {
  *merit = (struct merit){.updates = PEER_UPDATES_FREE};
  budget_init(&merit->small_pace, PEER_UPDATES_SMALL_BURST, PEER_UPDATES_SMALL_PER_SECOND, now_ns);
}

enum merit_update merit_update(struct merit *merit, uint64_t now_ns) {
  if (merit->updates > 0) {
    merit->updates--;
    return MERIT_UPDATE_PAID;
  }
  if (merit->small_updates == 0) return MERIT_UPDATE_UNPAID;
  merit->small_updates--;
  return budget_spend(&merit->small_pace, 1, now_ns) ? MERIT_UPDATE_PAID : MERIT_UPDATE_SLOW;
}
