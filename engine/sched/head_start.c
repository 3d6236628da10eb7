/*
 * sched/head_start.c - patterns of media types and paths; see sched/head_start.h.
 */
#include "engine/sched/head_start.h"

#include "engine/base/decimal.h"
#include "engine/base/pattern.h"
#include "engine/base/text.h"
#include "engine/sched/class.h"
#include "engine/sched/urgency.h"

_Static_assert(HEAD_START_RULES_MAX <= 16, "a set of rules has 16 bits");

static const char image_type[] = "image/*";

const struct head_start_rules head_start_rules_default = {
    .at = {{.type = {(const uint8_t *)image_type, sizeof image_type - 1},
            .bytes = HEAD_START_BYTES_DEFAULT,
            .urgency = HEAD_START_URGENCY_DEFAULT,
            .scan = true}},
    .count = 1,
};

/* BYTES[k] or `scan` */
static bool read_bytes(struct span text, struct head_start_rule *rule) {
  uint64_t count;
  uint32_t unit = 1;
  rule->scan = span_is(text, "scan");
  rule->bytes = HEAD_START_BYTES_DEFAULT;
  if (rule->scan) return true;
  if (text.len > 0 && text_lower(text.base[text.len - 1]) == 'k') {
    unit = KIB;
    text.len--;
  }
  if (!decimal_within(text, 0, HEAD_START_BYTES_MAX / unit, &count)) return false;
  rule->bytes = (uint32_t)count * unit;
  return true;
}

/* The part after the equals sign. */
static bool read_amount(struct span text, struct head_start_rule *rule) {
  struct span bytes = text, urgency;
  uint64_t number;
  rule->urgency = HEAD_START_URGENCY_DEFAULT;
  if (span_cut(text, ':', &bytes, &urgency)) {
    if (!decimal_within(urgency, 0, SCHED_LEVEL_COUNT - 1, &number)) return false;
    rule->urgency = (uint8_t)number;
  }
  return read_bytes(bytes, rule);
}

bool head_start_add(struct head_start_rules *rules, struct span text) {
  struct head_start_rule rule = {0};
  struct span what, amount;
  /* A path may hold an equals sign; an amount does not. */
  if (!span_cut_last(text, '=', &what, &amount) || !read_amount(amount, &rule)) return false;
  rule.type = what;
  if (span_cut(what, '@', &rule.type, &rule.path) && rule.path.len == 0) return false;
  if (rule.type.len == 0 || rules->count == HEAD_START_RULES_MAX) return false;
  rules->at[rules->count++] = rule;
  return true;
}

uint16_t head_start_of_path(const struct head_start_rules *rules, struct span path) {
  uint16_t set = 0;
  for (uint32_t i = 0; i < rules->count; i++)
    if (rules->at[i].path.len == 0 || pattern_matches(rules->at[i].path, path, false))
      set |= (uint16_t)(1u << i);
  return set;
}

uint16_t head_start_types(const struct head_start_rules *rules, struct span content_type) {
  struct span type = sched_class_essence(content_type);
  uint16_t set = 0;
  for (uint32_t i = 0; i < rules->count; i++)
    if (pattern_matches(rules->at[i].type, type, true)) set |= (uint16_t)(1u << i);
  return set;
}
