/*
 * report/options.c - parses the command line of `weir report`; see report/options.h.
 */
#include "tools/report/options.h"

#include <stdlib.h>
#include <string.h>

#include "tools/report/limits.h"

static const char help[] =
    "Usage: weir report [OPTIONS] A.json [B.json...]\n"
    "       weir report --merge [OPTIONS] A.json B.json...\n"
    "\n"
    "Compares results of `weir load --json`. The first one is the baseline: the report shows\n"
    "the others beside it, and how sure the differences of p50 and p99 are.\n"
    "\n"
    "Or adds results up that several machines measured at the same time (weir load\n"
    "--start-at TIME). All counts and histograms are added, so the percentiles of the sum are\n"
    "exactly those of all requests together.\n"
    "\n"
    "Options\n"
    "      --merge            add the results up; without --json and --html, print the sum\n"
    "      --json FILE        with --merge: write the sum as JSON, - for standard output\n"
    "      --html FILE        write the report as one page with plots, for a browser\n"
    "      --force            with --merge: add up results of different options, too\n"
    "      --fail-if-slower PERCENT\n"
    "                         exit with status 3 if p50 or p99 of a later result is higher\n"
    "                         by more than PERCENT: the whole interval must be\n"
    "      --seed N           of the resampling (default 1). The same results and the same\n"
    "                         seed give the same intervals\n"
    "  -h, --help             print this help\n"
    "  -V, --version          print the version\n"
    "\n"
    "The intervals are bootstrap intervals of 95%: 10,000 resamples of each result's exact\n"
    "histogram, widened by its resolution (0.4% of each value). They show how far chance\n"
    "within a run explains a difference. Only repeated runs show how runs differ.\n"
    "\n"
    "Examples\n"
    "  weir load -D 30 -r 2000 --json=before.json http://localhost:8080/plaintext\n"
    "  weir load -D 30 -r 2000 --json=after.json http://localhost:8080/plaintext\n"
    "  weir report before.json after.json\n"
    "      is it faster now?\n"
    "  weir report --html compare.html before.json after.json\n"
    "      the same, with plots\n"
    "  weir report --fail-if-slower 5 before.json after.json\n"
    "      the same, as a step of a build\n"
    "  weir report --merge --json all.json machine-*.json\n"
    "      what did ten machines measure together?\n"
    "\n"
    "Exit status: 0 success; 1 a result could not be read, added or written; 2 wrong command\n"
    "line; 3 --fail-if-slower applies.\n";

const char *report_options_help(void) {
  return help;
}

enum { OPTION_MERGE = 256, OPTION_JSON, OPTION_HTML, OPTION_FORCE, OPTION_SLOWER, OPTION_SEED };

static const struct option names[] = {
    {"merge", no_argument, NULL, OPTION_MERGE},
    {"json", required_argument, NULL, OPTION_JSON},
    {"html", required_argument, NULL, OPTION_HTML},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"fail-if-slower", required_argument, NULL, OPTION_SLOWER},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

static bool set_percent(const struct options *parser, double *out) {
  char *end;
  *out = strtod(parser->value, &end);
  bool number = *parser->value >= '0' && *parser->value <= '9' && end != parser->value;
  if (number && *end == '%') end++;
  if (number && *end == 0 && *out <= 1e6) return true;
  return options_wrong(parser, "expected a percentage, such as 5 or 2.5%%");
}

/* The page must not take the place of a result: of the first, when its own name was left out. */
static bool set_html(const struct options *parser, struct report_options *options) {
  size_t len = strlen(parser->value);
  if (!options_file(parser, &options->html)) return false;
  if (len < 5 || strcmp(parser->value + len - 5, ".json") != 0) return true;
  return options_wrong(parser, "expected the page's own name, such as report.html");
}

static bool take(struct options *parser, int code, char *value) {
  struct report_options *options = parser->out;
  (void)value;
  switch (code) {
  case OPTION_MERGE: options->merge = true; return true;
  case OPTION_JSON: return options_file(parser, &options->json);
  case OPTION_HTML: return set_html(parser, options);
  case OPTION_FORCE: options->force = true; return true;
  case OPTION_SLOWER: return set_percent(parser, &options->slower);
  case OPTION_SEED: return options_number(parser, 0, UINT32_MAX, &options->seed);
  default: return false;
  }
}

/* Checks that need the whole command line. */
static bool check(const struct report_options *options, const struct failure *failure) {
  if (options->file_count == 0)
    return failure_set(failure, "no result given; see weir report --help");
  if (options->file_count > REPORT_FILES_MAX)
    return failure_set(failure, "more than %d results", REPORT_FILES_MAX);
  if (!options->merge && options->json) return failure_set(failure, "--json needs --merge");
  if (!options->merge && options->force) return failure_set(failure, "--force needs --merge");
  if (options->slower >= 0 && options->merge)
    return failure_set(failure, "--merge and --fail-if-slower exclude each other");
  if (options->slower >= 0 && options->file_count < 2)
    return failure_set(failure, "--fail-if-slower needs two results");
  return true;
}

enum options_result report_options_parse(struct report_options *options, int argc, char **argv,
                                         const struct failure *failure) {
  struct options parser = {.out = options, .failure = failure};
  *options = (struct report_options){.seed = 1, .slower = -1};
  enum options_result result = options_read(&parser, argc, argv, names, take);
  if (result != OPTIONS_RUN) return result;
  options->files = parser.operands;
  options->file_count = (unsigned)parser.operand_count;
  return check(options, failure) ? OPTIONS_RUN : OPTIONS_WRONG;
}
