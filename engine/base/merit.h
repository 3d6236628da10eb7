/*
 * base/merit.h - what a peer has earned by useful work, and may spend on frames that cost it a token else
 * (base/budget.h).
 * Bounds and reasons: base/limits.h, PEER_EARNED_* and PEER_UPDATES_*.
 *
 * A PING with each request, at any rate, is no flood of PINGs: it costs less than the request. So control frames are
 * counted in proportion to requests that were answered and DATA that was sent; beyond that, in time.
 *
 * Owner: embedded in its connection; no allocation.
 */
#ifndef WEIR_BASE_MERIT_H
#define WEIR_BASE_MERIT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"

struct merit {
  uint32_t frames;          /* PING, SETTINGS and useless frames that are paid for */
  uint32_t updates;         /* WINDOW_UPDATE frames that are */
  uint32_t small_updates;   /* others that answer DATA which a window made small */
  struct budget small_pace; /* how fast these are read */
};

void merit_init(struct merit *merit, uint64_t now_ns);

static inline void merit_add(uint32_t *count, uint32_t more, uint32_t most) {
  if (*count < most) *count += more;
}

/* A stream was opened. */
static inline void merit_opened(struct merit *merit) {
  merit_add(&merit->updates, PEER_UPDATES_FREE_STREAM, PEER_UPDATES_FREE_MAX);
}

/* A stream has ended as it should, in both directions. */
static inline void merit_answered(struct merit *merit) {
  merit_add(&merit->frames, PEER_EARNED_ANSWER, PEER_EARNED_MAX);
}

/* DATA was sent; `window_bytes` is what the peer's windows have left. */
static inline void merit_sent(struct merit *merit, uint32_t bytes, uint32_t window_bytes) {
  if (bytes >= PEER_DATA_BYTES_SMALL || (bytes > 0 && window_bytes > 0)) {
    merit_add(&merit->frames, PEER_EARNED_DATA, PEER_EARNED_MAX);
    merit_add(&merit->updates, PEER_UPDATES_FREE_DATA, PEER_UPDATES_FREE_MAX);
  } else if (bytes > 0) {
    merit_add(&merit->small_updates, PEER_UPDATES_SMALL_DATA, PEER_UPDATES_SMALL_BURST);
  }
}

/* Pays for a frame that costs `cost`. False: there is not enough, and nothing was taken. */
__attribute__((warn_unused_result)) static inline bool merit_pay(struct merit *merit,
                                                                 uint32_t cost) {
  bool enough = merit->frames >= cost;
  if (enough) merit->frames -= cost;
  return enough;
}

enum merit_update {
  MERIT_UPDATE_PAID,   /* go on */
  MERIT_UPDATE_SLOW,   /* go on after a pause, which is no fault of the peer's */
  MERIT_UPDATE_UNPAID, /* a useless frame */
};

/* A WINDOW_UPDATE has come. */
__attribute__((warn_unused_result)) enum merit_update merit_update(struct merit *merit,
                                                                   uint64_t now_ns);

#endif
