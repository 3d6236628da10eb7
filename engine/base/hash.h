/*
 * base/hash.h - a hash of bytes, for tables where what is found is compared in full.
 *
 * It is not keyed: a peer can find two inputs for one place. So a table that uses it has one place for each hash, and
 * no chains that could grow.
 */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include "engine/base/machine.h"

#include <string.h>

static inline uint64_t hash_mix(uint64_t hash, uint64_t octets) {
  hash = (hash ^ octets) * 0x9e3779b97f4a7c15u; /* 2^64 divided by the golden ratio */
  return hash ^ hash >> 32;
}

static inline uint64_t hash_load(const uint8_t *at, size_t len) {
  uint64_t octets = 0;
  memcpy(&octets, at, len);
  return octets;
}

/* Of at least one byte. The last loads overlap those before. */
static inline uint64_t hash_of(uint64_t seed, struct span bytes) {
  const uint8_t *at = bytes.base;
  const size_t len = bytes.len;
  uint64_t hash = hash_mix(seed, len);
  for (size_t i = 0; i + 8 < len; i += 8)
    hash = hash_mix(hash, hash_load(at + i, 8));
  if (len >= 8) return hash_mix(hash, hash_load(at + len - 8, 8));
  if (len >= 4) return hash_mix(hash, hash_load(at, 4) << 32 | hash_load(at + len - 4, 4));
  return hash_mix(hash, (uint64_t)at[0] << 16 | (uint64_t)at[len / 2] << 8 | at[len - 1]);
}

#endif
