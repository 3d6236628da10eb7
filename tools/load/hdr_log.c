/*
 * load/hdr_log.c - see load/hdr_log.h.
 */
#include "tools/load/hdr_log.h"

#include <stdlib.h>
#include <time.h>

#include "tools/common/version.h"
#include "tools/load/hdr.h"

void load_hdr_log_begin(FILE *to, int64_t begin_unix_ns) {
  time_t seconds = (time_t)(begin_unix_ns / 1000000000);
  int64_t milliseconds = begin_unix_ns / 1000000;
  double begin = (double)milliseconds / 1e3;
  struct tm parts;
  char date[64];
  gmtime_r(&seconds, &parts);
  strftime(date, sizeof date, "%a %b %d %H:%M:%S UTC %Y", &parts);
  fprintf(to,
          "#[Logged with weir load %s]\n"
          "#[Histogram log format version 1.3]\n"
          "#[StartTime: %.3f (seconds since epoch), %s]\n"
          "#[BaseTime: %.3f (seconds since epoch)]\n"
          "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
          "\"Interval_Compressed_Histogram\"\n",
          WEIR_VERSION, begin, date, begin);
}

bool load_hdr_log_add(FILE *to, const char *tag, uint64_t begin_ns, uint64_t end_ns,
                      const struct load_histogram *histogram) {
  char *text = load_hdr_encode(histogram);
  if (!text) return false;
  fprintf(to, "%s%s%s%.3f,%.3f,%.3f,%s\n", tag ? "Tag=" : "", tag ? tag : "", tag ? "," : "",
          (double)begin_ns / 1e9, (double)(end_ns - begin_ns) / 1e9,
          (double)histogram->max_ns / 1e6, text);
  free(text);
  return true;
}

/* ---- a run ----------------------------------------------------------------------------------- */

/* Takes the values of all rows out of `rest`. False if they are not in it. */
static bool take_rows(const struct load_series *series, struct load_histogram *rest) {
  for (unsigned i = 0; i < series->count; i++) {
    const struct load_buckets *buckets = &series->rows[i].latency;
    for (unsigned k = 0; k < buckets->count; k++) {
      uint64_t *left = &rest->buckets[buckets->at[k].index];
      if (*left < buckets->at[k].count) return false;
      *left -= buckets->at[k].count;
    }
  }
  return series->count > 0;
}

static void add_rest(struct load_histogram *histogram, const struct load_histogram *rest) {
  bool any = false;
  for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
    histogram->buckets[i] += rest->buckets[i];
    histogram->count += rest->buckets[i];
    any = any || rest->buckets[i] > 0;
  }
  if (any) histogram->max_ns = rest->max_ns; /* unfinished requests are the slowest */
}

/* One interval for each row. The last one also has what no row has: requests that were unfinished
 * at the end. */
static bool write_rows(const struct load_series *series, const struct load_histogram *rest,
                       struct load_histogram *histogram, FILE *to) {
  for (unsigned i = 0; i < series->count; i++) {
    const struct load_row *row = &series->rows[i];
    load_buckets_expand(&row->latency, histogram);
    if (i == series->count - 1) add_rest(histogram, rest);
    if (!load_hdr_log_add(to, NULL, row->begin_ns, row->end_ns, histogram)) return false;
  }
  return true;
}

static bool write_latency(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  struct load_histogram *parts = malloc(2 * sizeof *parts);
  if (!parts) return false;
  parts[0] = sum->requests.latency;
  bool good =
      take_rows(&report->series, &parts[0])
          ? write_rows(&report->series, &parts[0], &parts[1], to)
          : load_hdr_log_add(to, NULL, 0, sum->end_ns - sum->begin_ns, &sum->requests.latency);
  free(parts);
  return good;
}

bool load_hdr_log_write(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  load_hdr_log_begin(to, report->begin_unix_ns);
  if (sum->interrupted) fputs("#[Interrupted by a signal]\n", to);
  bool good = write_latency(report, to);
  if (good && sum->requests.failed_latency.count > 0)
    good = load_hdr_log_add(to, "failed", 0, sum->end_ns - sum->begin_ns,
                            &sum->requests.failed_latency);
  return good && fflush(to) == 0;
}
