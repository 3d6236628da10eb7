/*
 * base/pattern.c - see base/pattern.h.
 */
#include "engine/base/pattern.h"

#include "engine/base/text.h"

/* After a mismatch only the last star takes one byte more, so that the cost is at most the product of
 * both lengths. */
bool pattern_matches(struct span pattern, struct span text, bool fold) {
  size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;
  while (t < text.len) {
    uint8_t c = fold ? text_lower(text.base[t]) : text.base[t];
    if (p < pattern.len && pattern.base[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.len && pattern.base[p] == c) {
      p++;
      t++;
    } else if (star != SIZE_MAX) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.len && pattern.base[p] == '*')
    p++;
  return p == pattern.len;
}
