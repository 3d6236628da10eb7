/*
 * load/verdict.c - one line about a run: what was reached and what limited it; see load/show.h.
 */
#include "tools/load/show.h"

#include <stdlib.h>
#include <string.h>

static bool was_busy(const struct load_report *report) {
  for (unsigned i = 0; i < report->workers; i++)
    if (report->busy[i] > LOAD_BUSY) return true;
  return false;
}

const char *load_verdict_limit(const struct load_report *report) {
  if (was_busy(report)) return "generator";
  if (report->options->rate == 0) return "server";
  return report->sum.requests.unsent > 0 ? "streams" : "none";
}

static const char *limit_text(const char *limit) {
  static const char *const rows[][2] = {
      {"server", "limited by the server"},
      {"streams", "limited by connections and streams: raise -c or -m"},
      {"generator", "limited by weir load itself: it was busy, try more threads (-t)"},
      {"none", "not limited"}};
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(rows[i][0], limit) == 0) return rows[i][1];
  return limit;
}

static void write_verdict(const struct load_report *report, FILE *to) {
  const struct load_requests *counts = &report->sum.requests;
  double rate = load_report_rate(report, counts->succeeded);
  fprintf(to, "%llu of %llu requests succeeded, %.4g/s", (unsigned long long)counts->succeeded,
          (unsigned long long)report->total, rate);
  if (report->options->rate) fprintf(to, " of %.4g/s wanted", (double)report->options->rate);
  fprintf(to, "; %s", limit_text(load_verdict_limit(report)));
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
