/*
 * report/report.c - `weir report`: compares results of `weir load`, or adds them up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/common/commands.h"
#include "tools/common/output.h"
#include "tools/load/html.h"
#include "tools/load/json.h"
#include "tools/report/html.h"
#include "tools/report/merge.h"
#include "tools/report/options.h"

#define complain(status, ...) output_complain("weir report", status, __VA_ARGS__)

static int no_memory(void) {
  return complain(EXIT_FAILED, "out of memory");
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool write_json(const json_t *json, FILE *to) {
  return load_json_put(json, to) && fflush(to) == 0;
}

static int save(const json_t *json, const char *path, bool (*write)(const json_t *json, FILE *to)) {
  bool standard = strcmp(path, "-") == 0;
  FILE *to = standard ? stdout : fopen(path, "we");
  if (!to) return complain(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
  bool good = write(json, to);
  int why = errno;
  if (!standard && fclose(to) != 0 && good) {
    good = false;
    why = errno;
  }
  return good ? EXIT_DONE : complain(EXIT_FAILED, "cannot write %s: %s", path, strerror(why));
}

/* The page of --html. */
static int save_page(const struct report_options *options, const struct report_result *results,
                     const struct report_change *changes, unsigned count) {
  json_t *page = report_html_page(results, changes, count, options->seed);
  int status = page ? save(page, options->html, load_html_write) : no_memory();
  json_decref(page);
  return status;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool read_results(const struct report_options *options, struct report_result *results,
                         const struct failure *failure) {
  for (unsigned i = 0; i < options->file_count; i++)
    if (!report_result_read(&results[i], options->files[i], failure)) return false;
  return true;
}

static int judge(const struct report_options *options, const struct report_change *changes) {
  for (unsigned i = 1; i < options->file_count && options->slower >= 0; i++)
    if (report_is_slower(&changes[i], options->slower))
      return complain(EXIT_THRESHOLD, "%s is slower than %s by more than %g%%", options->files[i],
                      options->files[0], options->slower);
  return EXIT_DONE;
}

static int show(const struct report_options *options, const struct report_result *results,
                struct report_change *changes) {
  unsigned count = options->file_count;
  if (!report_changes_find(results, count, options->seed, changes)) return no_memory();
  int status = EXIT_DONE;
  if (options->html) {
    status = save_page(options, results, changes, count);
  } else {
    report_compare_write(results, changes, count, options->seed, stdout);
    status = output_end("weir report", EXIT_DONE);
  }
  return status == EXIT_DONE ? judge(options, changes) : status;
}

static int compare(const struct report_options *options, const struct failure *failure) {
  struct report_result *results = calloc(options->file_count, sizeof *results);
  struct report_change *changes = calloc(options->file_count, sizeof *changes);
  int status = EXIT_FAILED;
  if (!results || !changes)
    no_memory();
  else if (!read_results(options, results, failure))
    complain(EXIT_FAILED, "%s", failure->text);
  else
    status = show(options, results, changes);
  for (unsigned i = 0; results && i < options->file_count; i++)
    report_result_free(&results[i]);
  free(results);
  free(changes);
  return status;
}

/* ---- adding up ------------------------------------------------------------------------------- */

static bool add(const struct report_options *options, const struct report_result *first,
                struct report_result *sum, const char *path, const struct failure *failure) {
  struct report_result *result = malloc(sizeof *result);
  if (!result) return failure_set(failure, "out of memory");
  bool good = report_result_read(result, path, failure);
  if (good) {
    const char *conflict = options->force ? NULL : report_merge_conflict(first->json, result->json);
    if (conflict)
      good = failure_set(failure, "%s and %s differ in \"%s\": --force adds them up nevertheless",
                         first->path, path, conflict);
    else if (!report_merge_add(sum->json, result->json))
      good = failure_set(failure, "%s: cannot be added: a histogram is wrong", path);
    load_histogram_merge(&sum->latency, &result->latency);
    report_result_free(result);
  }
  free(result);
  return good;
}

/* Whether the file is one machine's result. When the sum's own name is left out, as in --json machine-*.json, the first
 * result stands in its place. */
static bool is_measured(const char *path) {
  char text[1]; /* why it is no result does not matter */
  const struct failure ignored = {.text = text, .size = sizeof text};
  struct stat file;
  struct report_result *result = NULL;
  bool measured = false;
  if (stat(path, &file) == 0 && S_ISREG(file.st_mode)) result = malloc(sizeof *result);
  if (result && report_result_read(result, path, &ignored)) {
    measured = !json_object_get(result->json, "merged");
    report_result_free(result);
  }
  free(result);
  return measured;
}

/* Shows the sum in every form that was asked for. */
static int show_sum(const struct report_options *options, const struct report_result *sum) {
  int status = EXIT_DONE;
  if (options->json && is_measured(options->json))
    return complain(EXIT_FAILED, "%s is a result of one machine: give --json the sum's own name",
                    options->json);
  if (options->json) status = save(sum->json, options->json, write_json);
  if (options->html && status == EXIT_DONE) status = save_page(options, sum, NULL, 1);
  if (options->json || options->html) return status;
  report_compare_write(sum, NULL, 1, options->seed, stdout);
  return output_end("weir report", EXIT_DONE);
}

static int merge_rest(const struct report_options *options, const struct report_result *first,
                      struct report_result *sum, const struct failure *failure) {
  for (unsigned i = 1; i < options->file_count; i++)
    if (!add(options, first, sum, options->files[i], failure))
      return complain(EXIT_FAILED, "%s", failure->text);
  if (!report_merge_end(sum->json, options->file_count)) return no_memory();
  return show_sum(options, sum);
}

static int merge(const struct report_options *options, const struct failure *failure) {
  struct report_result *results = calloc(2, sizeof *results);
  if (!results) return no_memory();
  struct report_result *first = &results[0], *sum = &results[1];
  int status = EXIT_FAILED;
  if (report_result_read(first, options->files[0], failure)) {
    *sum = *first;
    sum->path = "sum";
    sum->json = json_deep_copy(first->json);
    status = sum->json ? merge_rest(options, first, sum, failure) : no_memory();
    report_result_free(sum);
    report_result_free(first);
  } else {
    complain(EXIT_FAILED, "%s", failure->text);
  }
  free(results);
  return status;
}

int command_report(int argc, char **argv) {
  struct report_options options;
  char error[512];
  const struct failure failure = {.text = error, .size = sizeof error};
  enum options_result result = report_options_parse(&options, argc, argv, &failure);
  if (result != OPTIONS_RUN)
    return options_answer(result, "weir report", report_options_help(), &failure);
  return options.merge ? merge(&options, &failure) : compare(&options, &failure);
}
