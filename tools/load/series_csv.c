/*
 * load/series_csv.c - see load/series_csv.h.
 */
#include "tools/load/series_csv.h"

static const char names[] = "second,seconds,asked,started,done,failed,bytes_in,in_flight,backlog,"
                            "connections,busy,lateness_p99,min,p50,p90,p99,p99.9,max,interrupted\n";

/* Latencies are empty where there are none. */
static void write_times(const struct load_buckets *buckets, const double *percents, unsigned count,
                        FILE *to) {
  static struct load_histogram histogram; /* large, and the main thread's only */
  load_buckets_expand(buckets, &histogram);
  for (unsigned i = 0; i < count; i++)
    if (histogram.count > 0)
      fprintf(to, ",%.9f", (double)load_histogram_percentile(&histogram, percents[i]) / 1e9);
    else
      fputc(',', to);
}

/* `interrupted`: a signal ended the run in this row. */
static void write_row(const struct load_row *row, bool interrupted, FILE *to) {
  static const double late[] = {99}, percents[] = {0, 50, 90, 99, 99.9, 100};
  const uint64_t counts[] = {row->started,   row->done,    row->failed,     row->bytes_in,
                             row->in_flight, row->backlog, row->connections};
  fprintf(to, "%.6f,%.6f,%.3f", (double)row->begin_ns / 1e9,
          (double)(row->end_ns - row->begin_ns) / 1e9, row->asked);
  for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++)
    fprintf(to, ",%llu", (unsigned long long)counts[i]);
  fprintf(to, ",%.4f", row->busy);
  write_times(&row->lateness, late, 1, to);
  write_times(&row->latency, percents, sizeof percents / sizeof percents[0], to);
  fprintf(to, ",%d\n", interrupted);
}

bool load_series_csv_write(const struct load_report *report, FILE *to) {
  fputs(names, to);
  for (unsigned i = 0; i < report->series.count; i++)
    write_row(&report->series.rows[i], report->sum.interrupted && i + 1 == report->series.count,
              to);
  return !ferror(to);
}
