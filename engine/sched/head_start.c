/*
 * sched/head_start.c - patterns of media types and paths; see sched/head_start.h.
 */
#include "engine/sched/head_start.h"

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

static uint8_t lower(uint8_t c) {
  return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Whether `*` in the pattern can stand for bytes so that it equals the text, without regard to case
 * with `fold`. After a mismatch only the last star takes one byte more, so that the cost is at most
 * the product of both lengths. */
static bool matches(struct span pattern, struct span text, bool fold) {
  size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;
  while (t < text.len) {
    uint8_t c = fold ? lower(text.base[t]) : text.base[t];
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

/* The bytes before the last `mark`, or all with `rest` empty; false when there is none. */
static bool split_last(struct span text, uint8_t mark, struct span *before, struct span *rest) {
  for (size_t i = text.len; i-- > 0;) {
    if (text.base[i] != mark) continue;
    *before = span_of(text.base, i);
    *rest = span_of(text.base + i + 1, text.len - i - 1);
    return true;
  }
  return false;
}

static bool split_first(struct span text, uint8_t mark, struct span *before, struct span *rest) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.base[i] != mark) continue;
    *before = span_of(text.base, i);
    *rest = span_of(text.base + i + 1, text.len - i - 1);
    return true;
  }
  return false;
}

static bool read_number(struct span text, uint32_t max, uint32_t *number) {
  *number = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.base[i] < '0' || text.base[i] > '9') return false;
    *number = *number * 10 + (uint32_t)(text.base[i] - '0');
    if (*number > max) return false;
  }
  return text.len > 0;
}

/* BYTES[k] or `scan` */
static bool read_bytes(struct span text, struct head_start_rule *rule) {
  static const char scan[] = "scan";
  uint32_t unit = 1;
  rule->scan = text.len == sizeof scan - 1 && __builtin_memcmp(text.base, scan, text.len) == 0;
  rule->bytes = HEAD_START_BYTES_DEFAULT;
  if (rule->scan) return true;
  if (text.len > 0 && lower(text.base[text.len - 1]) == 'k') {
    unit = KIB;
    text.len--;
  }
  if (!read_number(text, HEAD_START_BYTES_MAX / unit, &rule->bytes)) return false;
  rule->bytes *= unit;
  return true;
}

/* What stands behind the equals sign. */
static bool read_amount(struct span text, struct head_start_rule *rule) {
  struct span bytes = text, urgency;
  uint32_t number = 0;
  rule->urgency = HEAD_START_URGENCY_DEFAULT;
  if (split_first(text, ':', &bytes, &urgency)) {
    if (!read_number(urgency, SCHED_LEVEL_COUNT - 1, &number)) return false;
    rule->urgency = (uint8_t)number;
  }
  return read_bytes(bytes, rule);
}

bool head_start_add(struct head_start_rules *rules, struct span text) {
  struct head_start_rule rule = {0};
  struct span what, amount;
  /* A path may hold an equals sign; an amount does not. */
  if (!split_last(text, '=', &what, &amount) || !read_amount(amount, &rule)) return false;
  rule.type = what;
  if (split_first(what, '@', &rule.type, &rule.path) && rule.path.len == 0) return false;
  if (rule.type.len == 0 || rules->count == HEAD_START_RULES_MAX) return false;
  rules->at[rules->count++] = rule;
  return true;
}

uint16_t head_start_of_path(const struct head_start_rules *rules, struct span path) {
  uint16_t set = 0;
  for (uint32_t i = 0; i < rules->count; i++)
    if (rules->at[i].path.len == 0 || matches(rules->at[i].path, path, false))
      set |= (uint16_t)(1u << i);
  return set;
}

uint16_t head_start_types(const struct head_start_rules *rules, struct span content_type) {
  struct span type = sched_class_essence(content_type);
  uint16_t set = 0;
  for (uint32_t i = 0; i < rules->count; i++)
    if (matches(rules->at[i].type, type, true)) set |= (uint16_t)(1u << i);
  return set;
}

const struct head_start_rule *head_start_of_type(const struct head_start_rules *rules,
                                                 uint16_t of_path, struct span content_type) {
  return head_start_of_both(rules, of_path, head_start_types(rules, content_type));
}
