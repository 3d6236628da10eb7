/*
 * fuzz/priority_field.c - any bytes as the value of a `priority` field, as a media type, and as a
 * rule for head starts with a path to match.
 *
 * Beyond not crashing: a field that is not a dictionary leaves the defaults, an answer that is
 * written as a field reads back the same, and an accepted rule stays within its bounds.
 */
#include "engine/http/priority_field.h"
#include "engine/sched/class.h"
#include "engine/sched/head_start.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void try_field(struct span value) {
  uint8_t text[PRIORITY_FIELD_TEXT_MAX];
  struct priority_field field = PRIORITY_FIELD_NONE, again = PRIORITY_FIELD_NONE;
  priority_field_parse(&field, value);
  assert(field.urgency <= PRIORITY_URGENCY_MAX);
  assert(field.has_urgency || field.urgency == PRIORITY_URGENCY_DEFAULT);
  assert(field.has_incremental || !field.incremental);
  assert(!field.malformed || (!field.has_urgency && !field.has_incremental));
  priority_field_parse(&again,
                       span_of(text, priority_field_write(text, field.urgency, field.incremental)));
  assert(!again.malformed);
  assert(again.urgency == field.urgency && again.incremental == field.incremental);
}

static void try_rule(struct span text, struct span other) {
  struct head_start_rules rules = head_start_rules_default;
  if (head_start_add(&rules, text)) {
    assert(rules.count == 2);
    assert(rules.at[1].urgency <= PRIORITY_URGENCY_MAX);
    assert(rules.at[1].bytes <= HEAD_START_BYTES_MAX);
  }
  uint16_t set = head_start_of_path(&rules, other);
  assert(set & 1);
  (void)head_start_of_both(&rules, set, head_start_types(&rules, other));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  try_field(span_of(bytes, len));
  assert(sched_class_of(span_of(bytes, len)) < SCHED_CLASS_COUNT);
  const uint8_t *line = len ? memchr(bytes, '\n', len) : NULL;
  size_t first = line ? (size_t)(line - bytes) : len;
  try_rule(span_of(bytes, first), span_of(bytes + first, len - first));
  return 0;
}
