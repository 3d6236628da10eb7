/*
 * load/load.c - `weir load`: parses the command line, runs, prints the report.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/commands.h"
#include "tools/common/output.h"
#include "tools/load/options_help.h"
#include "tools/load/options_parse.h"
#include "tools/load/show.h"

#define complain(status, ...) output_complain("weir load", status, __VA_ARGS__)

/* Reports only the first reason, as one line. */
static int judge(const struct load_report *report) {
  const struct load_stats *sum = &report->sum;
  char text[96];
  if (sum->requests.succeeded > 0) return EXIT_DONE;
  if (sum->reason_count > 0) return complain(EXIT_FAILED, "%s", sum->reasons[0].text);
  if (sum->requests.error_count > 0) {
    const struct load_error_row *row = &sum->requests.errors[0];
    return complain(EXIT_FAILED, "no request succeeded: %s",
                    load_error_text(row->error, row->code, text, sizeof text));
  }
  return complain(EXIT_FAILED, sum->requests.done > 0 ? "no request succeeded: see the status codes"
                                                      : "no request completed");
}

static int show(const struct load_report *report) {
  /* Nothing was measured: the reason is enough. */
  bool nothing = report->sum.connections_opened == 0;
  bool good = true;
  if (report->options->json)
    good = load_json_write(report, stdout);
  else if (!nothing)
    load_text_write(report, stdout);
  if (!good || fflush(stdout) != 0 || ferror(stdout))
    return complain(EXIT_FAILED, "cannot write the report: %s", strerror(errno));
  return judge(report);
}

int command_load(int argc, char **argv) {
  struct load_options options;
  char error[512];
  const struct failure failure = {.text = error, .size = sizeof error};
  enum options_result result = load_options_parse(&options, argc, argv, &failure);
  if (result != OPTIONS_RUN)
    return options_answer(result, "weir load", load_options_help(options.topic), &failure);
  struct load_report *report = calloc(1, sizeof *report); /* too large for the stack */
  if (!report) return complain(EXIT_FAILED, "out of memory");
  int status = EXIT_FAILED;
  switch (load_run(&options, report, &failure)) {
  case LOAD_RUN_DONE: status = show(report); break;
  case LOAD_RUN_WRONG: status = complain(EXIT_USAGE, "%s", error); break;
  case LOAD_RUN_FAILED: status = complain(EXIT_FAILED, "%s", error); break;
  }
  free(report);
  return status;
}
