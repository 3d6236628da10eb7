/*
 * load/judge.h - judges a run by the conditions of --fail-if.
 */
#ifndef WEIR_LOAD_JUDGE_H
#define WEIR_LOAD_JUDGE_H

#include "tools/load/result.h"

/* What became of a condition. */
struct load_outcome {
  const struct load_fail_if *fail_if;
  unsigned stage; /* 0: the run */
  bool known;
  double value;
  bool failed;
};

/* Judges the run by all conditions of its options; those that failed come first. Writes at most
 * LOAD_OUTCOMES_MAX. Returns how many. */
unsigned load_judge(const struct load_report *report,
                    struct load_outcome outcomes[LOAD_OUTCOMES_MAX]);

/* "p99>20ms", "stage2:p99>20ms". Returns `text`. */
const char *load_outcome_condition(const struct load_outcome *outcome,
                                   char text[LOAD_CONDITION_BYTES]);

/* Its value with a unit: "31.2ms", "0.12%", "unknown". Returns `text`. */
const char *load_outcome_value(const struct load_outcome *outcome, char text[LOAD_TEXT_BYTES]);

#endif
