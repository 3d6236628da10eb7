/*
 * load/fail_if.h - the conditions of --fail-if: when is a run too bad?
 *
 *     p99>20ms         a latency of the requests that succeeded: min, mean, max, or any percentile
 *     errors>0.1%      failed requests, as a part of those that are done; or their number: errors>5
 *     rate<99%         successes a second, as a part of the asked rate; or their number: rate<500
 *     late>1%          the part of requests for which weir load itself woke more than 1 ms late
 *     stage2:p99>50ms  in the second --stage only; stages:p99>50ms in each one
 *
 * The comparisons are >, >=, < and <=. A latency is unknown if no request has succeeded. The run fails
 * then, too.
 */
#ifndef WEIR_LOAD_FAIL_IF_H
#define WEIR_LOAD_FAIL_IF_H

#include <stdbool.h>

#include "tools/common/failure.h"
#include "tools/load/limits.h"

enum load_metric {
  LOAD_METRIC_PERCENTILE,
  LOAD_METRIC_MEAN,
  LOAD_METRIC_ERRORS,
  LOAD_METRIC_RATE,
  LOAD_METRIC_LATE
};
enum load_scope { LOAD_SCOPE_RUN, LOAD_SCOPE_STAGE, LOAD_SCOPE_STAGES };

struct load_fail_if {
  const char *text;      /* as given */
  const char *condition; /* the part of it behind the stage */
  enum load_scope scope;
  unsigned stage; /* of LOAD_SCOPE_STAGE: 1 for the first --stage */
  enum load_metric metric;
  double percent; /* of LOAD_METRIC_PERCENTILE; 0 for min, 100 for max */
  bool greater, equal;
  bool relative; /* the limit is a percentage */
  double limit;  /* nanoseconds, requests, requests a second or percent */
};

/* Keeps the text. False with what is wrong in `failure`. */
__attribute__((warn_unused_result)) bool
load_fail_if_parse(struct load_fail_if *fail_if, const char *text, const struct failure *failure);

#endif
