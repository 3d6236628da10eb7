/*
 * load/random.h - random numbers that a seed repeats. Not for secrets.
 */
#ifndef WEIR_LOAD_RANDOM_H
#define WEIR_LOAD_RANDOM_H

#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood, 2014): small, and seeds need no care. `state` is any seed at first. */
static inline uint64_t load_random_next(uint64_t *state) {
  uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

#endif
