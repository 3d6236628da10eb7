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
  double begin = (double)(begin_unix_ns / 1000000) / 1e3;
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

bool load_hdr_log_write(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  uint64_t end_ns = sum->end_ns - sum->begin_ns;
  load_hdr_log_begin(to, report->begin_unix_ns);
  bool good = load_hdr_log_add(to, NULL, 0, end_ns, &sum->requests.latency);
  if (good && sum->requests.failed_latency.count > 0)
    good = load_hdr_log_add(to, "failed", 0, end_ns, &sum->requests.failed_latency);
  return good && fflush(to) == 0;
}
