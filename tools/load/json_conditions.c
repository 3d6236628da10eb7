/*
 * load/json_conditions.c - what became of the conditions of --fail-if; see load/json_parts.h.
 */
#include "tools/load/json_parts.h"

#include "tools/load/judge.h"

json_t *load_json_conditions(const struct load_report *report) {
  static struct load_outcome outcomes[LOAD_OUTCOMES_MAX];
  unsigned count = load_judge(report, outcomes);
  char text[LOAD_CONDITION_BYTES];
  json_t *list = json_array();
  for (unsigned i = 0; i < count; i++) {
    const struct load_outcome *outcome = &outcomes[i];
    json_t *row = json_object();
    json_object_set_new(row, "condition", load_json_text(outcome->fail_if->condition));
    json_object_set_new(row, "stage", outcome->stage ? json_integer(outcome->stage) : json_null());
    json_object_set_new(row, "value", outcome->known ? json_real(outcome->value) : json_null());
    json_object_set_new(row, "text", load_json_text(load_outcome_value(outcome, text)));
    json_object_set_new(row, "failed", json_boolean(outcome->failed));
    json_array_append_new(list, row);
  }
  return list;
}
