/*
 * random.h - the one source of chance of a simulation: the same seed gives the same run.
 * SplitMix64: one multiplication chain, good enough in every bit, and state of one word.
 */
#ifndef WEIR_SIM_RANDOM_H
#define WEIR_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
  uint64_t state;
};

static inline uint64_t sim_mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static inline uint64_t sim_next(struct sim_random *random) {
  return sim_mix(random->state += 0x9e3779b97f4a7c15u);
}

/* 0 .. below-1; `below` is not 0. */
static inline uint32_t sim_below(struct sim_random *random, uint32_t below) {
  return (uint32_t)((sim_next(random) >> 32) * below >> 32);
}

static inline bool sim_one_in(struct sim_random *random, uint32_t n) {
  return sim_below(random, n) == 0;
}

/* 1 .. most, small values as likely as large ones: half the time only a few bits of it. */
static inline uint32_t sim_size(struct sim_random *random, uint32_t most) {
  uint32_t bits = 1;
  while (bits < 31 && 1u << bits < most)
    bits++;
  uint32_t cap = 1u << (1 + sim_below(random, bits));
  return 1 + sim_below(random, cap < most ? cap : most);
}

#endif
