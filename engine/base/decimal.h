/*
 * base/decimal.h - unsigned decimal integers as text fields carry them (1*DIGIT, RFC 9110 section
 * 5.6).
 */
#ifndef WEIR_DECIMAL_H
#define WEIR_DECIMAL_H

#include "engine/base/machine.h"

enum { DECIMAL_BYTES_MAX = 20 }; /* derived from the digits of UINT64_MAX */

/* Writes `value` without leading zeros to `out`, which has room for DECIMAL_BYTES_MAX bytes;
 * returns the number of digits. */
static inline size_t decimal_put(uint8_t *out, uint64_t value) {
  uint8_t digits[DECIMAL_BYTES_MAX];
  size_t count = 0;
  do {
    digits[count++] = (uint8_t)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  for (size_t i = 0; i < count; i++)
    out[i] = digits[count - 1 - i];
  return count;
}

/* Reads a text of digits only, at least one. A value beyond UINT64_MAX is read as UINT64_MAX: every
 * caller compares with something smaller. False, and *out unchanged, for any other text. */
__attribute__((warn_unused_result)) static inline bool decimal_get(struct span text,
                                                                   uint64_t *out) {
  uint64_t value = 0;
  bool saturated = false;
  for (size_t i = 0; i < text.len; i++) {
    unsigned digit = (unsigned)text.base[i] - '0';
    if (digit > 9) return false;
    if (i + 1 >= DECIMAL_BYTES_MAX) saturated |= value > (UINT64_MAX - digit) / 10;
    value = value * 10 + digit; /* may wrap once saturated: it is not used then */
  }
  if (text.len == 0) return false;
  *out = saturated ? UINT64_MAX : value;
  return true;
}

/* The same for a value of `min` to `max`, which is less than UINT64_MAX; false for any other. */
__attribute__((warn_unused_result)) static inline bool
decimal_within(struct span text, uint64_t min, uint64_t max, uint64_t *out) {
  uint64_t value = 0;
  if (!decimal_get(text, &value) || value < min || value > max) return false;
  *out = value;
  return true;
}

#endif
