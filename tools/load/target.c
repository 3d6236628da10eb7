/*
 * load/target.c - see load/target.h.
 */
#include "tools/load/target.h"

struct span load_target_body(const struct load_target *target, size_t at, size_t max) {
  static const uint8_t zeros[LOAD_ZERO_BYTES];
  const struct span body = target->body;
  size_t len = body.len - at < max ? body.len - at : max;
  if (body.base) return span_of(body.base + at, len);
  return span_of(zeros, len < sizeof zeros ? len : sizeof zeros);
}
