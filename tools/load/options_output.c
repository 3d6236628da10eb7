/*
 * load/options_output.c - what to show.
 */
#include <string.h>

#include "tools/load/options_rows.h"

/* The value is optional, so the next word is not the value. It is refused if it looks like one. */
static bool set_json(struct options *parser, struct load_options *options, char *value) {
  if (value) return options_file(parser, &options->json);
  options->json = "-";
  const char *next = parser->next;
  bool is_option = next && next[0] == '-' && next[1];
  if (!next || is_option || strstr(next, "://")) return true;
  return failure_set(parser->failure, "--json %s: write --json=%s", next, next);
}

static bool add_fail_if(struct options *parser, struct load_options *options, char *value) {
  char why[160];
  const struct failure failure = {.text = why, .size = sizeof why};
  if (options->fail_if_count == LOAD_FAIL_IFS_MAX)
    return options_wrong(parser, "more than %d conditions", LOAD_FAIL_IFS_MAX);
  if (!load_fail_if_parse(&options->fail_ifs[options->fail_if_count], value, &failure))
    return options_wrong(parser, "%s", why);
  options->fail_if_count++;
  return true;
}

/* A rate needs a wanted one, and a stage must be there. */
static bool check(struct load_options *options, const struct failure *failure) {
  for (unsigned i = 0; i < options->fail_if_count; i++) {
    const struct load_fail_if *fail_if = &options->fail_ifs[i];
    if (fail_if->metric == LOAD_METRIC_RATE && fail_if->relative && options->rate == 0)
      return failure_set(failure, "--fail-if %s: a percentage of the rate needs -r or --stage",
                         fail_if->text);
    if (fail_if->scope == LOAD_SCOPE_RUN) continue;
    if (fail_if->stage > options->stage_count || options->stage_count == 0 ||
        (fail_if->stage > 0 && options->stages[fail_if->stage - 1].seconds == 0))
      return failure_set(failure, "--fail-if %s: there is no such --stage that takes time",
                         fail_if->text);
  }
  return true;
}

static const char more[] =
    "Conditions of --fail-if are METRIC>VALUE or METRIC<VALUE, or with >= and <=:\n"
    "  p99>20ms         latency of requests that succeeded: min, mean, max, p50, p99.9 ...\n"
    "  errors>0.1%      failed requests, as a part of those that are done; or errors>5\n"
    "  rate<99%         successes a second, as a part of the asked rate; or rate<500\n"
    "  late>1%          requests for which weir load itself was more than 1 ms late\n"
    "  stage2:p99>50ms  in the second --stage only\n"
    "  stages:p99>50ms  in each stage\n"
    "The report lists them first, and the exit status is 3 if one of them is true. A latency\n"
    "that is unknown, as no request succeeded, counts as true.\n";

static const struct load_option rows[] = {
    {"json", 0, "[=FILE]", LOAD_TAKE(set_json),
     "print the report as one JSON object, or write that to FILE\n"
     "and print the report as text"},
    {"hdr", 0, "FILE", LOAD_FILE(hdr),
     "write the latencies as a HdrHistogram log, which the usual\n"
     "plotters read"},
    {"html", 0, "FILE", LOAD_FILE(html), "write the report as one page with plots, for a browser"},
    {"csv", 0, "FILE", LOAD_FILE(csv), "write the run second by second, comma-separated"},
    {"log-file", 0, "FILE", LOAD_FILE(log),
     "write a line for each request: microseconds since 1970 when\n"
     "it started, status (-1: none), microseconds until its end.\n"
     "These are h2load's columns, so only the other files tell that\n"
     "a run was interrupted"},
    {"fail-if", 0, "CONDITION", LOAD_TAKE(add_fail_if),
     "exit with status 3 if the condition is true: 'p99>20ms',\n"
     "'errors>0.1%', 'rate<99%', 'stage2:p99>50ms'. May be repeated"},
    {"quiet", 'q', NULL, LOAD_FLAG(quiet), "show no progress"},
    {"help", 'h', "[=TOPIC]", LOAD_TEXT(topic), "print this help, or more about TOPIC"},
    {"version", 'V', NULL, {0}, "print the version"},
};

const struct load_option_family load_options_output = {
    .topic = "output", .title = "What to show", LOAD_OPTIONS(rows), .check = check, .more = more};
