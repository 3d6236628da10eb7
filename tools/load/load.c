/*
 * load/load.c - `weir load`: parses the command line, runs, prints the report.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/commands.h"
#include "tools/common/output.h"
#include "tools/load/command.h"
#include "tools/load/hdr_log.h"
#include "tools/load/html.h"
#include "tools/load/json.h"
#include "tools/load/judge.h"
#include "tools/load/options_help.h"
#include "tools/load/options_parse.h"
#include "tools/load/run.h"
#include "tools/load/series_csv.h"
#include "tools/load/show.h"
#include "tools/load/units.h"

#define complain(status, ...) output_complain("weir load", status, __VA_ARGS__)

/* Names the first condition of --fail-if that is true, if there is one. */
static int judge_conditions(const struct load_report *report) {
  static struct load_outcome outcomes[LOAD_OUTCOMES_MAX];
  char condition[LOAD_CONDITION_BYTES], value[LOAD_TEXT_BYTES];
  if (load_judge(report, outcomes) == 0 || !outcomes[0].failed) return EXIT_DONE;
  return complain(EXIT_THRESHOLD, "failed: %s (%s)",
                  load_outcome_condition(&outcomes[0], condition),
                  load_outcome_value(&outcomes[0], value));
}

/* The first one that is an error, or NULL. */
static const char *main_reason(const struct load_stats *sum) {
  for (unsigned i = 0; i < sum->reason_count; i++)
    if (!sum->reasons[i].graceful) return sum->reasons[i].text;
  return NULL;
}

/* Reports only one reason, as one line. */
static int judge(const struct load_report *report) {
  const struct load_stats *sum = &report->sum;
  const char *reason = main_reason(sum);
  char text[96];
  if (report->mistake[0]) return complain(EXIT_FAILED, "%s", report->mistake);
  if (sum->requests.succeeded > 0) return judge_conditions(report);
  if (reason) return complain(EXIT_FAILED, "%s", reason);
  if (sum->requests.error_count > 0) {
    const struct load_error_row *row = &sum->requests.errors[0];
    return complain(EXIT_FAILED, "no request succeeded: %s",
                    load_error_text(row->error, row->code, text, sizeof text));
  }
  return complain(EXIT_FAILED, sum->requests.done > 0 ? "no request succeeded: see the status codes"
                                                      : "no request completed");
}

/* The files that are written after the run. */
struct output {
  const char *path; /* NULL: not asked for */
  bool (*write)(const struct load_report *report, FILE *to);
};

enum { OUTPUTS = 4 };

static void find_outputs(const struct load_options *options, struct output outputs[OUTPUTS]) {
  const char *json = options->json && strcmp(options->json, "-") != 0 ? options->json : NULL;
  outputs[0] = (struct output){json, load_json_write};
  outputs[1] = (struct output){options->hdr, load_hdr_log_write};
  outputs[2] = (struct output){options->csv, load_series_csv_write};
  outputs[3] = (struct output){options->html, load_html_report};
}

static bool cannot_write(const char *path, int why) {
  complain(EXIT_FAILED, "cannot write %s: %s", path, strerror(why));
  return false;
}

/* Makes the files before the run, so that a wrong path costs no results. False after it has told. */
static bool try_outputs(const struct load_options *options) {
  struct output outputs[OUTPUTS];
  find_outputs(options, outputs);
  for (unsigned i = 0; i < OUTPUTS; i++) {
    if (!outputs[i].path) continue;
    FILE *file = fopen(outputs[i].path, "ae");
    if (!file) return cannot_write(outputs[i].path, errno);
    fclose(file);
  }
  return true;
}

static bool write_output(const struct load_report *report, const struct output *output) {
  FILE *file = fopen(output->path, "we");
  bool good = file && output->write(report, file) && !ferror(file);
  if (file && fclose(file) != 0) good = false;
  return good || cannot_write(output->path, errno);
}

/* Tells what --log-file lacks. False if it could not be written. */
static bool check_log(const struct load_report *report) {
  const char *path = report->options->log;
  if (report->log_error) return cannot_write(path, report->log_error);
  if (report->log_lost)
    complain(EXIT_DONE, "%s lacks %llu request%s: it could not be written as fast as they came",
             path, (unsigned long long)report->log_lost, load_plural(report->log_lost));
  return true;
}

/* Writes the report to standard output: as JSON with --json, else as text. False after it has told why
 * not. */
static bool write_report(const struct load_report *report) {
  const char *json = report->options->json;
  bool good = true;
  if (json && strcmp(json, "-") == 0)
    good = load_json_write(report, stdout);
  else if (report->sum.connections_opened > 0) /* else nothing was measured: the reason is enough */
    load_text_write(report, stdout);
  if (good && fflush(stdout) == 0 && !ferror(stdout)) return true;
  complain(EXIT_FAILED, "cannot write the report: %s", strerror(errno));
  return false;
}

static int show(const struct load_report *report) {
  struct output outputs[OUTPUTS];
  bool good = write_report(report);
  find_outputs(report->options, outputs);
  for (unsigned i = 0; i < OUTPUTS; i++)
    if (outputs[i].path) good = write_output(report, &outputs[i]) && good;
  good = check_log(report) && good;
  return good ? judge(report) : EXIT_FAILED;
}

static int run(const struct load_options *options, const char *command,
               const struct failure *failure) {
  if (!try_outputs(options)) return EXIT_FAILED;
  struct load_report *report = calloc(1, sizeof *report); /* too large for the stack */
  if (!report || !command) {
    free(report);
    return complain(EXIT_FAILED, "out of memory");
  }
  int status = EXIT_FAILED;
  report->command = command;
  switch (load_run(options, report, failure)) {
  case LOAD_RUN_DONE: status = show(report); break;
  case LOAD_RUN_WRONG: status = complain(EXIT_USAGE, "%s", failure->text); break;
  case LOAD_RUN_FAILED: status = complain(EXIT_FAILED, "%s", failure->text); break;
  }
  load_report_free(report);
  free(report);
  return status;
}

int command_load(int argc, char **argv) {
  struct load_options options;
  char *command = load_command_text(argc, argv); /* parsing changes the order of argv */
  char error[512];
  const struct failure failure = {.text = error, .size = sizeof error};
  enum options_result result = load_options_parse(&options, argc, argv, &failure);
  int status = EXIT_FAILED;
  if (result == OPTIONS_RUN)
    status = run(&options, command, &failure);
  else
    status = options_answer(result, "weir load", load_options_help(options.topic), &failure);
  free(command);
  return status;
}
