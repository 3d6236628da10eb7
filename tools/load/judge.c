/*
 * load/judge.c - see load/judge.h.
 */
#include "tools/load/judge.h"

#include <stdio.h>

#include "tools/load/show.h"
#include "tools/load/units.h"

/* What is judged: the run, or one of its stages. */
struct subject {
  uint64_t done, failed;
  double asked; /* requests that were due, or 0 */
  double seconds;
  const struct load_histogram *latency;
  uint64_t late, woken; /* samples of lateness */
};

static struct subject run_of(const struct load_report *report) {
  const struct load_requests *counts = &report->sum.requests;
  uint64_t due = counts->started - counts->carried + counts->unsent;
  return (struct subject){.done = counts->done,
                          .failed = counts->failed,
                          .asked = report->options->rate > 0 ? (double)due : 0,
                          .seconds = load_report_seconds(report),
                          .latency = &counts->latency,
                          .late = report->self.late,
                          .woken = report->self.lateness.count};
}

static struct subject stage_of(const struct load_stage_report *stage) {
  const struct load_second *sum = &stage->sum;
  struct subject subject = {.done = sum->done,
                            .failed = sum->failed,
                            .asked = sum->asked > 0 ? sum->asked : stage->asked,
                            .seconds = (double)(sum->end_ns - sum->begin_ns) / 1e9,
                            .latency = &sum->latency,
                            .woken = sum->lateness.count};
  for (unsigned i = load_histogram_bucket(LOAD_LATE_NS) + 1; i < LOAD_HISTOGRAM_BUCKETS; i++)
    subject.late += sum->lateness.buckets[i];
  return subject;
}

/* A part in percent, or what it is a part of is empty. */
static bool part_of(double part, double whole, double *out) {
  *out = whole > 0 ? 100 * part / whole : 0;
  return whole > 0;
}

static bool value_of(const struct load_fail_if *fail_if, const struct subject *subject,
                     double *out) {
  double successes = (double)(subject->done - subject->failed);
  switch (fail_if->metric) {
  case LOAD_METRIC_PERCENTILE:
    *out = (double)load_histogram_percentile(subject->latency, fail_if->percent);
    return subject->latency->count > 0;
  case LOAD_METRIC_MEAN:
    *out = load_histogram_mean(subject->latency);
    return subject->latency->count > 0;
  case LOAD_METRIC_ERRORS:
    *out = (double)subject->failed;
    return !fail_if->relative || part_of(*out, (double)subject->done, out);
  case LOAD_METRIC_RATE:
    *out = subject->seconds > 0 ? successes / subject->seconds : 0;
    return !fail_if->relative || part_of(successes, subject->asked, out);
  case LOAD_METRIC_LATE: return part_of((double)subject->late, (double)subject->woken, out);
  }
  return false;
}

static struct load_outcome judge(const struct load_fail_if *fail_if, unsigned stage,
                                 const struct subject *subject) {
  struct load_outcome outcome = {.fail_if = fail_if, .stage = stage};
  outcome.known = value_of(fail_if, subject, &outcome.value);
  bool beyond = fail_if->greater ? outcome.value > fail_if->limit : outcome.value < fail_if->limit;
  /* Nothing was woken: nothing was late. */
  bool unknown = !outcome.known && fail_if->metric != LOAD_METRIC_LATE;
  outcome.failed = unknown || beyond || (fail_if->equal && outcome.value == fail_if->limit);
  return outcome;
}

/* The outcomes of one condition. */
static unsigned judge_all(const struct load_report *report, const struct load_fail_if *fail_if,
                          struct load_outcome *outcomes) {
  const struct load_options *options = report->options;
  unsigned count = 0, reported = 0;
  if (fail_if->scope == LOAD_SCOPE_RUN) {
    struct subject run = run_of(report);
    outcomes[count++] = judge(fail_if, 0, &run);
    return count;
  }
  for (unsigned i = 0; i < options->stage_count; i++) {
    if (options->stages[i].seconds == 0) continue; /* has no report */
    const struct load_stage_report empty = {0};
    const struct load_stage_report *at =
        reported < report->stage_count ? &report->stages[reported] : &empty;
    reported++;
    if (fail_if->scope == LOAD_SCOPE_STAGE && fail_if->stage != i + 1) continue;
    struct subject stage = stage_of(at);
    outcomes[count++] = judge(fail_if, i + 1, &stage);
  }
  return count;
}

unsigned load_judge(const struct load_report *report,
                    struct load_outcome outcomes[LOAD_OUTCOMES_MAX]) {
  static struct load_outcome all[LOAD_OUTCOMES_MAX];
  unsigned count = 0, sorted = 0;
  for (unsigned i = 0; i < report->options->fail_if_count; i++)
    count += judge_all(report, &report->options->fail_ifs[i], &all[count]);
  for (unsigned failed = 2; failed-- > 0;)
    for (unsigned i = 0; i < count; i++)
      if (all[i].failed == failed) outcomes[sorted++] = all[i];
  return count;
}

const char *load_outcome_condition(const struct load_outcome *outcome,
                                   char text[LOAD_CONDITION_BYTES]) {
  if (outcome->stage)
    snprintf(text, LOAD_CONDITION_BYTES, "stage%u:%s", outcome->stage, outcome->fail_if->condition);
  else
    snprintf(text, LOAD_CONDITION_BYTES, "%s", outcome->fail_if->condition);
  return text;
}

const char *load_outcome_value(const struct load_outcome *outcome, char text[LOAD_TEXT_BYTES]) {
  const struct load_fail_if *fail_if = outcome->fail_if;
  if (!outcome->known)
    snprintf(text, LOAD_TEXT_BYTES, "unknown");
  else if (fail_if->relative)
    snprintf(text, LOAD_TEXT_BYTES, "%.3g%%", outcome->value);
  else if (fail_if->metric == LOAD_METRIC_ERRORS)
    load_count_text((uint64_t)outcome->value, text);
  else if (fail_if->metric == LOAD_METRIC_RATE)
    snprintf(text, LOAD_TEXT_BYTES, "%.1f", outcome->value);
  else
    load_time_text(outcome->value, text);
  return text;
}
