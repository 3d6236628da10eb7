/*
 * load/verdict.c - one line about a run: what was reached and what limited it; see load/show.h.
 */
#include "tools/load/show.h"

#include <stdlib.h>
#include <string.h>

#include "tools/load/units.h"

const char *load_verdict_limit(const struct load_report *report) {
  if (load_report_busy(report) > LOAD_BUSY) return "generator";
  if (report->options->rate == 0) return "server";
  return report->sum.requests.unsent > 0 ? "streams" : "none";
}

static const char *limit_text(const struct load_report *report) {
  static const char *const rows[][2] = {{"server", "limited by the server"},
                                        {"streams", "limited by free streams: raise -c or -m"},
                                        {"generator", "limited by weir load itself"},
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
  fprintf(to, "%s%s of %s requests succeeded in %s: %s/s",
          report->sum.interrupted ? "INTERRUPTED: " : "", load_count_text(counts->succeeded, a),
          load_count_text(report->total, b), load_time_text(1e9 * load_report_seconds(report), c),
          load_number_text(load_report_rate(report, counts->succeeded), d));
  if (options->rate > 0)
    fprintf(to, " of %s%s/s asked", options->stage_count ? "up to " : "",
            load_number_text(options->rate, a));
  if (options->arrivals == LOAD_POISSON)
    fprintf(to, " (poisson, seed %llu)", (unsigned long long)options->seed);
  if (counts->latency.count)
    fprintf(to, ", p99 %s",
            load_time_text((double)load_histogram_percentile(&counts->latency, 99), a));
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
