/*
 * trace/trace.c - `weir trace`: parses the command line and the manifest, runs against one or two
 * servers, writes the outputs.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/h2/frame.h"
#include "tools/common/commands.h"
#include "tools/common/output.h"
#include "tools/trace/fetch.h"
#include "tools/trace/frames.h"
#include "tools/trace/interrupt.h"
#include "tools/trace/json.h"
#include "tools/trace/summary.h"
#include "tools/trace/waterfall.h"

struct tracer {
  struct trace_options options;
  struct trace_manifest manifest;
  struct url bases[2]; /* --compare's is the second */
  struct trace_record records[2];
  const char *labels[2];
  unsigned count;
};

#define complain(status, ...) output_complain("weir trace", status, __VA_ARGS__)

/* ---- what to fetch --------------------------------------------------------------------------- */

static int read_bases(struct tracer *tracer) {
  const struct trace_options *options = &tracer->options;
  const char *texts[2] = {options->urls[0], options->compare};
  tracer->count = options->compare ? 2 : 1;
  for (unsigned i = 0; i < tracer->count; i++) {
    tracer->labels[i] = options->labels[i] ? options->labels[i] : texts[i];
    if (!url_parse(&tracer->bases[i], texts[i]))
      return complain(EXIT_USAGE, "%s: expected http://HOST/PATH or https://HOST/PATH",
                      failure_shown(texts[i]));
  }
  return EXIT_DONE;
}

/* For --compare, URLs of the first server become relative, so that the second can serve them,
 * too. */
static int relate(struct tracer *tracer) {
  for (size_t i = 0; i < tracer->manifest.count; i++) {
    struct trace_resource *resource = &tracer->manifest.at[i];
    struct url url;
    if (!url_parse(&url, resource->reference)) continue; /* relative already */
    if (!url_same_origin(&url, &tracer->bases[0])) continue;
    char *target = strdup(url.target);
    if (!target) return complain(EXIT_FAILED, "out of memory");
    free(resource->reference);
    resource->reference = target;
  }
  return EXIT_DONE;
}

static int read_resources(struct tracer *tracer) {
  const struct trace_options *options = &tracer->options;
  char error[512];
  const struct failure failure = {error, sizeof error};
  bool good =
      options->manifest
          ? trace_manifest_read(&tracer->manifest, options->manifest, &failure)
          : trace_manifest_of_urls(&tracer->manifest, options->urls, options->url_count, &failure);
  if (!good) return complain(EXIT_USAGE, "%s", error);
  return tracer->count > 1 ? relate(tracer) : EXIT_DONE;
}

/* ---- what came ------------------------------------------------------------------------------- */

static void print_ms(const char *name, uint64_t at_ns) {
  if (at_ns == TRACE_NEVER)
    printf("  %s: never\n", name);
  else
    printf("  %s: %.1f ms\n", name, (double)at_ns / 1e6);
}

static void print_result(const struct trace_resource *resource, const struct trace_result *result) {
  char status[16] = "-", size[32] = "";
  if (result->status) snprintf(status, sizeof status, "%u", result->status);
  if (result->width) snprintf(size, sizeof size, "  %ux%u", result->width, result->height);
  if (result->end_ns == TRACE_NEVER)
    printf("         -     ");
  else
    printf("%10.1f ms  ", (double)result->end_ns / 1e6);
  printf("%3s %9llu B  %-8s %s%s", status, (unsigned long long)result->bytes,
         trace_kind_name(result->kind), resource->reference, size);
  if (result->failed) printf("  FAILED: %s", result->error);
  putchar('\n');
}

static void print_record(const struct tracer *tracer, const struct trace_record *record) {
  struct trace_summary sum = trace_summarize(record, &tracer->manifest);
  printf("%s\n", record->label);
  if (tracer->options.frames) trace_frames_print(record, stdout);
  for (size_t i = 0; i < record->result_count; i++)
    print_result(&tracer->manifest.at[i], &record->results[i]);
  printf("  %u of %u resources complete, %llu bytes\n", sum.complete, sum.resources,
         (unsigned long long)sum.bytes);
  if (sum.critical) print_ms("last critical byte", sum.critical_ns);
  if (sum.images) print_ms("dimensions of all images", sum.dimensions_ns);
  print_ms("everything", sum.end_ns);
}

/* Reports only the first failure, as one line. */
static int judge(const struct tracer *tracer) {
  for (unsigned k = 0; k < tracer->count; k++) {
    const struct trace_record *record = &tracer->records[k];
    for (size_t i = 0; i < record->result_count; i++) {
      const struct trace_result *result = &record->results[i];
      if (result->complete) continue;
      return complain(EXIT_FAILED, "%s: %s", tracer->manifest.at[i].reference,
                      result->error[0] ? result->error : "interrupted");
    }
  }
  return EXIT_DONE;
}

/* ---- outputs --------------------------------------------------------------------------------- */

static int save(const struct tracer *tracer, const char *path,
                bool (*write)(const struct trace_show *show, const char *path, FILE *to)) {
  const struct trace_show show = {
      .manifest = &tracer->manifest,
      .records = tracer->records,
      .count = tracer->count,
      .options = &tracer->options,
  };
  bool standard = strcmp(path, "-") == 0;
  FILE *to = standard ? stdout : fopen(path, "we");
  if (!to) return complain(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
  bool good = write(&show, path, to) && fflush(to) == 0 && !ferror(to);
  int why = errno;
  if (!standard && fclose(to) != 0 && good) {
    good = false;
    why = errno;
  }
  return good ? EXIT_DONE : complain(EXIT_FAILED, "cannot write %s: %s", path, strerror(why));
}

static int show(const struct tracer *tracer) {
  const struct trace_options *options = &tracer->options;
  int status = EXIT_DONE;
  bool quiet = options->json && strcmp(options->json, "-") == 0;
  for (unsigned i = 0; i < tracer->count && !quiet; i++)
    print_record(tracer, &tracer->records[i]);
  if (options->json) status = save(tracer, options->json, trace_json_write);
  if (options->picture && status == EXIT_DONE)
    status = save(tracer, options->picture, trace_waterfall_write);
  return status == EXIT_DONE ? output_end("weir trace", status) : status;
}

static int run(struct tracer *tracer) {
  char error[512];
  const struct failure failure = {.text = error, .size = sizeof error};
  for (unsigned i = 0; i < tracer->count; i++) {
    struct trace_record *record = &tracer->records[i];
    if (!trace_record_init(record, tracer->labels[i], tracer->manifest.count))
      return complain(EXIT_FAILED, "out of memory");
    struct trace_options options = tracer->options;
    options.http1 = options.http1 && i == tracer->count - 1;
    if (!trace_fetch(&options, &tracer->manifest, &tracer->bases[i], record, &failure))
      return complain(EXIT_FAILED, "%s", error);
    if (trace_interrupted()) tracer->count = i + 1;
  }
  int status = show(tracer);
  return status == EXIT_DONE ? judge(tracer) : status;
}

int command_trace(int argc, char **argv) {
  static struct tracer tracer; /* too large for the stack */
  char error[512];
  const struct failure failure = {.text = error, .size = sizeof error};
  enum options_result result = trace_options_parse(&tracer.options, argc, argv, &failure);
  if (result != OPTIONS_RUN)
    return options_answer(result, "weir trace", trace_options_help(), &failure);
  signal(SIGPIPE, SIG_IGN);
  int status = read_bases(&tracer);
  if (status == EXIT_DONE) status = read_resources(&tracer);
  if (status == EXIT_DONE) status = run(&tracer);
  for (unsigned i = 0; i < tracer.count; i++)
    trace_record_free(&tracer.records[i]);
  trace_manifest_free(&tracer.manifest);
  return status;
}
