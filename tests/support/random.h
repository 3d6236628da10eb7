/*
 * support/random.h - random numbers from a seed: the same seed gives the same run everywhere.
 * SplitMix64: every bit is good enough for tests, and the state is one word.
 */
#ifndef WEIR_TESTS_RANDOM_H
#define WEIR_TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
  uint64_t state; /* first the seed, which may be any value */
};

/* One word scrambled: a hash of a number. */
static inline uint64_t random_mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/* 64 random bits. */
static inline uint64_t random_next(struct random *random) {
  return random_mix(random->state += 0x9e3779b97f4a7c15u);
}

/* 0 .. below-1; `below` is not 0. */
static inline uint32_t random_below(struct random *random, uint32_t below) {
  return (uint32_t)((random_next(random) >> 32) * below >> 32);
}

static inline bool random_one_in(struct random *random, uint32_t n) {
  return random_below(random, n) == 0;
}

/* 1 .. most, which is not 0. Small values are as likely as large ones: half the time, only a few bits
 * of it. */
static inline uint32_t random_size(struct random *random, uint32_t most) {
  uint32_t bits = 1;
  while (bits < 31 && 1u << bits < most)
    bits++;
  uint32_t cap = 1u << (1 + random_below(random, bits));
  return 1 + random_below(random, cap < most ? cap : most);
}

#endif
