/*
 * load/fail_if.c - reads the conditions of --fail-if; see load/fail_if.h.
 */
#include "tools/load/fail_if.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/option_values.h"

/* Reads decimal digits with an optional fraction, and nothing else. */
static bool read_number(const char *text, size_t len, double *out) {
  char copy[LOAD_TEXT_BYTES], *end;
  if (len == 0 || len >= sizeof copy || strspn(text, "0123456789.") < len) return false;
  memcpy(copy, text, len);
  copy[len] = 0;
  *out = strtod(copy, &end);
  return *end == 0;
}

/* "stage2:" or "stages:", if it is there. False: a stage without a number. */
static bool read_scope(struct load_fail_if *fail_if, const char **at) {
  const char *colon = strchr(*at, ':');
  double number;
  fail_if->scope = LOAD_SCOPE_RUN;
  if (!colon) return true;
  size_t len = (size_t)(colon - *at);
  if (len == 6 && strncmp(*at, "stages", 6) == 0) {
    fail_if->scope = LOAD_SCOPE_STAGES;
  } else {
    if (strncmp(*at, "stage", 5) != 0 || !read_number(*at + 5, len - 5, &number)) return false;
    fail_if->scope = LOAD_SCOPE_STAGE;
    fail_if->stage = number >= 1 && number <= LOAD_STAGES_MAX ? (unsigned)number : 0;
    if (fail_if->stage == 0 || fail_if->stage != number) return false;
  }
  *at = colon + 1;
  return true;
}

static bool read_metric(struct load_fail_if *fail_if, const char *name, size_t len) {
  static const struct {
    const char *name;
    enum load_metric metric;
    double percent;
  } rows[] = {{"min", LOAD_METRIC_PERCENTILE, 0}, {"max", LOAD_METRIC_PERCENTILE, 100},
              {"mean", LOAD_METRIC_MEAN, 0},      {"errors", LOAD_METRIC_ERRORS, 0},
              {"rate", LOAD_METRIC_RATE, 0},      {"late", LOAD_METRIC_LATE, 0}};
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (strlen(rows[i].name) != len || strncmp(name, rows[i].name, len) != 0) continue;
    fail_if->metric = rows[i].metric;
    fail_if->percent = rows[i].percent;
    return true;
  }
  fail_if->metric = LOAD_METRIC_PERCENTILE;
  return len > 1 && name[0] == 'p' && read_number(name + 1, len - 1, &fail_if->percent) &&
         fail_if->percent <= 100;
}

/* A time has a unit; the others may have a percent sign, and `late` must. */
static bool read_limit(struct load_fail_if *fail_if, const char *text) {
  size_t len = strlen(text);
  bool is_time = fail_if->metric == LOAD_METRIC_PERCENTILE || fail_if->metric == LOAD_METRIC_MEAN;
  if (is_time) {
    double seconds;
    if (len == 0 || !strchr("smh", text[len - 1]) || !option_seconds(text, &seconds)) return false;
    fail_if->limit = seconds * 1e9;
    return true;
  }
  fail_if->relative = len > 0 && text[len - 1] == '%';
  if (fail_if->metric == LOAD_METRIC_LATE && !fail_if->relative) return false;
  return read_number(text, len - fail_if->relative, &fail_if->limit);
}

bool load_fail_if_parse(struct load_fail_if *fail_if, const char *text,
                        const struct failure *failure) {
  const char *at = text;
  *fail_if = (struct load_fail_if){.text = text};
  if (!read_scope(fail_if, &at))
    return failure_set(failure, "expected stageN: or stages: before the colon");
  fail_if->condition = at;
  size_t len = strcspn(at, "<>");
  if (at[len] == 0 || !read_metric(fail_if, at, len))
    return failure_set(failure,
                       "expected min, mean, max, p99 or another percentile, errors, rate or late; "
                       "then > or <");
  fail_if->greater = at[len] == '>';
  fail_if->equal = at[len + 1] == '=';
  if (!read_limit(fail_if, at + len + 1 + fail_if->equal))
    return failure_set(failure, "expected a time like 20ms behind a latency, else a number or a "
                                "percentage like 0.1%%");
  return true;
}
