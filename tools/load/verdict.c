/*
 * load/verdict.c - one line about a run: what was reached and what limited it; see load/show.h.
 */
#include "tools/load/show.h"

#include <stdlib.h>
#include <string.h>

#include "tools/load/units.h"

/* More than 1% of the requests that were due found no free stream or connection. */
static bool was_crowded(const struct load_report *report) {
  const struct load_requests *counts = &report->sum.requests;
  uint64_t due = counts->started - counts->carried + counts->unsent;
  return report->self.crowded * 100 > due;
}

/* More than 1% of the requests timed out, or more are unfinished than twice what the mean latency
 * explains (Little's law), one and 1% aside. */
static bool was_slow(const struct load_report *report) {
  const struct load_requests *counts = &report->sum.requests;
  double due = (double)(counts->started - counts->carried + counts->unsent);
  double usual =
      load_report_rate(report, counts->succeeded) * load_histogram_mean(&counts->latency) / 1e9;
  double unfinished = (double)(load_report_in_flight(report) + counts->unsent);
  return (double)counts->timeouts * 100 > due || unfinished > 2 * usual + due / 100 + 1;
}

/* Workers waited for a file that is read too slowly. */
static bool was_hungry(const struct load_report *report) {
  double all_ns = 1e9 * load_report_seconds(report) * report->workers;
  return (double)report->self.input_ns > LOAD_INPUT_PART * all_ns;
}

/* Not one response came, of whatever status, and weir load was awake for most of the time: that it was late now and
 * then, or had no stream left, does not explain it. */
static bool was_silent(const struct load_report *report) {
  const struct load_requests *counts = &report->sum.requests;
  bool asked = counts->started > 0 || !load_options_are_open(report->options);
  bool unanswered = counts->succeeded == 0 && counts->failed == counts->errored;
  double awake_ns = 1e9 * load_report_seconds(report) - (double)report->self.lateness.max_ns;
  return asked && unanswered && awake_ns > 1e9 * load_report_seconds(report) / 2;
}

const char *load_verdict_limit(const struct load_report *report) {
  if (was_silent(report) && !was_hungry(report)) return "server";
  if (load_self_is_late(&report->self) || load_report_busy(report) > LOAD_BUSY) return "generator";
  if (was_hungry(report)) return "input";
  if (!load_options_are_open(report->options)) return "server";
  if (was_crowded(report)) return "streams";
  return was_slow(report) ? "server" : "none";
}

static const char *limit_text(const struct load_report *report) {
  static const char *const rows[][2] = {
      {"server", "limited by the server"},
      {"streams", "limited by free streams and connections: raise -c or -m"},
      {"generator", "limited by weir load itself"},
      {"input", "limited by the file of -i, which is read too slowly"},
      {"none", "not limited"}};
  const char *limit = load_verdict_limit(report);
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(rows[i][0], limit) == 0) return rows[i][1];
  return limit;
}

/* "INTERRUPTED: 19,998 of 20,000 requests succeeded in 10.0s: 1999/s of 2000/s asked, p99 1.20ms; not
 * limited" */
static void write_verdict(const struct load_report *report, FILE *to) {
  const struct load_requests *counts = &report->sum.requests;
  const struct load_options *options = report->options;
  char a[LOAD_TEXT_BYTES], b[LOAD_TEXT_BYTES], c[LOAD_TEXT_BYTES], d[LOAD_TEXT_BYTES];
  fprintf(to, "%s%s of %s %s%s succeeded in %s: %s/s",
          report->so_far            ? "SO FAR: "
          : report->sum.interrupted ? "INTERRUPTED: "
                                    : "",
          load_count_text(counts->succeeded, a), load_count_text(report->total, b),
          load_report_noun(report), load_plural(report->total),
          load_time_text(1e9 * load_report_seconds(report), c),
          load_number_text(load_report_rate(report, counts->succeeded), d));
  if (options->rate > 0)
    fprintf(to, " of %s%s/s asked", options->stage_count ? "up to " : "",
            load_number_text(options->rate, a));
  if (options->replay && options->speed != 1)
    fprintf(to, ", replayed %g times as fast", options->speed);
  else if (options->replay)
    fputs(", replayed at its own speed", to);
  if (options->arrivals == LOAD_POISSON)
    fprintf(to, " (poisson, seed %llu)", (unsigned long long)options->seed);
  if (counts->latency.count)
    fprintf(to, ", p99 %s",
            load_time_text((double)load_histogram_percentile(&counts->latency, 99), a));
  if (options->batch_wait_seconds > 0)
    fprintf(to, " (up to %s of it by --batch-wait)",
            load_time_text(1e9 * options->batch_wait_seconds, a));
  fprintf(to, "; %s", limit_text(report));
}

char *load_verdict_text(const struct load_report *report) {
  char *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  if (!to) return NULL;
  write_verdict(report, to);
  if (fclose(to) == 0) return text;
  free(text);
  return NULL;
}
