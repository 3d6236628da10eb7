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
#include "tools/load/show.h"

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

/* Reports only the first reason, as one line. */
static int judge(const struct load_report *report) {
  const struct load_stats *sum = &report->sum;
  char text[96];
  if (report->mistake[0]) return complain(EXIT_FAILED, "%s", report->mistake);
  if (sum->requests.succeeded > 0) return judge_conditions(report);
  if (sum->reason_count > 0) return complain(EXIT_FAILED, "%s", sum->reasons[0].text);
  if (sum->requests.error_count > 0) {
    const struct load_error_row *row = &sum->requests.errors[0];
    return complain(EXIT_FAILED, "no request succeeded: %s",
                    load_error_text(row->error, row->code, text, sizeof text));
  }
  return complain(EXIT_FAILED, sum->requests.done > 0 ? "no request succeeded: see the status codes"
                                                      : "no request completed");
}

/* Writes a file of --json=FILE, --hdr and so on. False after it has told why not. */
static bool write_file(const struct load_report *report, const char *path,
                       bool (*write)(const struct load_report *report, FILE *to)) {
  FILE *file = fopen(path, "we");
  bool good = file && write(report, file) && !ferror(file);
  if (file && fclose(file) != 0) good = false;
  if (!good) complain(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
  return good;
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
  const char *json = report->options->json, *hdr = report->options->hdr,
             *html = report->options->html;
  bool good = write_report(report);
  if (json && strcmp(json, "-") != 0) good = write_file(report, json, load_json_write) && good;
  if (html) good = write_file(report, html, load_html_report) && good;
  if (hdr) good = write_file(report, hdr, load_hdr_log_write) && good;
  return good ? judge(report) : EXIT_FAILED;
}

static int run(const struct load_options *options, const char *command,
               const struct failure *failure) {
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
