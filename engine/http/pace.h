/*
 * http/pace.h - whether a request's body arrives fast enough, on the whole.
 *
 * A leaky bucket of bytes, which drains at the lowest rate allowed. It starts with as much as drains
 * in the grace period, and holds as much as drains in the longest silence allowed: a megabyte at once
 * does not buy half an hour of dribble.
 * Owner: embedded in its stream; all zero at first.
 */
#ifndef WEIR_PACE_H
#define WEIR_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
  uint64_t counted_ns; /* when it was last looked at; 0: never */
  uint64_t bytes;      /* that had arrived then */
  uint64_t left_bytes; /* that it is ahead */
};

struct pace_rule {
  uint64_t bytes_per_second_min; /* 0: none */
  uint64_t grace_ns, idle_ns;
};

/* To be called about twice a second, with the `bytes` that have arrived since `opened_ns`. It does not
 * drain while we hold the peer back (`held_back`). False: it is too slow. */
__attribute__((warn_unused_result)) bool pace_is_kept(struct pace *pace,
                                                      const struct pace_rule *rule,
                                                      uint64_t opened_ns, uint64_t now_ns,
                                                      uint64_t bytes, bool held_back);

#endif
