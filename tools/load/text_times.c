/*
 * load/text_times.c - the table of times in the text report; see load/text_parts.h.
 */
#include "tools/load/text_parts.h"

#include "tools/load/units.h"

static const struct {
  const char *name;
  double percent;
} columns[] = {{"min", 0},  {"p50", 50},     {"p75", 75},       {"p90", 90}, {"p95", 95},
               {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}, {"max", 100}};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void print_times(const char *name, const struct load_histogram *histogram, FILE *to) {
  char text[LOAD_TEXT_BYTES];
  if (histogram->count == 0) return;
  fprintf(to, "%-14s", name);
  for (unsigned i = 0; i < COLUMNS; i++) {
    uint64_t value = load_histogram_percentile(histogram, columns[i].percent);
    fprintf(to, " %6s", load_time_text((double)value, text));
  }
  fputc('\n', to);
}

void load_text_times(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  fprintf(to, "\n%-14s", "");
  for (unsigned i = 0; i < COLUMNS; i++)
    fprintf(to, " %6s", columns[i].name);
  fputc('\n', to);
  print_times("latency", &sum->requests.latency, to);
  print_times("  since sent", &sum->requests.service, to);
  print_times("  first byte", &sum->requests.first_byte, to);
  print_times("  of failures", &sum->requests.failed_latency, to);
  print_times("connect", &sum->connect, to);
  print_times("TLS handshake", &sum->handshake, to);
  print_times("own lateness", &report->self.lateness, to);
}
