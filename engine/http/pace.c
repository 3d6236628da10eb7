/*
 * http/pace.c - see http/pace.h.
 */
#include "engine/http/pace.h"

#include "engine/base/limits.h"

bool pace_is_kept(struct pace *pace, const struct pace_rule *rule, uint64_t opened_ns,
                  uint64_t now_ns, uint64_t bytes, bool held_back) {
  const uint64_t rate = rule->bytes_per_second_min;
  if (pace->counted_ns == 0)
    *pace = (struct pace){.counted_ns = opened_ns, .left_bytes = rate * rule->grace_ns / SECOND_NS};
  uint64_t span_ns = now_ns - pace->counted_ns;
  if (span_ns < SECOND_NS) return true;
  const uint64_t most = rate * (rule->idle_ns / SECOND_NS);
  uint64_t due = held_back ? 0 : span_ns * rate / SECOND_NS;
  uint64_t left = pace->left_bytes + bytes - pace->bytes;
  if (left > most + due) left = most + due;
  *pace = (struct pace){.counted_ns = now_ns, .bytes = bytes};
  pace->left_bytes = left > due ? left - due : 0;
  return left >= due;
}
