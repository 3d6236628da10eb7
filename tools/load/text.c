/*
 * load/text.c - the report as text; see load/show.h.
 */
#include "tools/load/show.h"

#include <string.h>

typedef unsigned long long ull;

static const char *time_text(double ns, char text[LOAD_TEXT_BYTES]) {
  if (ns < 1e3)
    snprintf(text, LOAD_TEXT_BYTES, "%.0fns", ns);
  else if (ns < 1e6)
    snprintf(text, LOAD_TEXT_BYTES, "%.1fus", ns / 1e3);
  else if (ns < 1e9)
    snprintf(text, LOAD_TEXT_BYTES, "%.2fms", ns / 1e6);
  else
    snprintf(text, LOAD_TEXT_BYTES, "%.2fs", ns / 1e9);
  return text;
}

static const char *bytes_text(double bytes, char text[LOAD_TEXT_BYTES]) {
  static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
  unsigned unit = 0;
  for (; bytes >= 1000 && unit < 4; unit++)
    bytes /= 1000;
  snprintf(text, LOAD_TEXT_BYTES, unit ? "%.2f%s" : "%.0f%s", bytes, units[unit]);
  return text;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void print_finish(const struct load_report *report, FILE *to) {
  const struct load_requests *counts = &report->sum.requests;
  char bytes[LOAD_TEXT_BYTES], time[LOAD_TEXT_BYTES];
  fprintf(to, "%s in %s, %.2f req/s", report->sum.interrupted ? "interrupted" : "finished",
          time_text(load_report_seconds(report) * 1e9, time),
          load_report_rate(report, counts->succeeded));
  if (counts->failed) fprintf(to, ", %.2f failed/s", load_report_rate(report, counts->failed));
  fprintf(to, ", %s/s\n", bytes_text(load_report_rate(report, counts->wire_in), bytes));
}

static void print_counts(const struct load_report *report, FILE *to) {
  const struct load_requests *counts = &report->sum.requests;
  fprintf(to,
          "requests: %llu total, %llu started, %llu done, %llu succeeded, %llu failed, %llu "
          "errored, %llu timeout\n",
          (ull)report->total, (ull)counts->started, (ull)counts->done, (ull)counts->succeeded,
          (ull)counts->failed, (ull)counts->errored, (ull)counts->timeouts);
  uint64_t in_flight = load_report_in_flight(report), left = load_report_left(report);
  char time[LOAD_TEXT_BYTES];
  if (in_flight)
    fprintf(to, "  %llu were in flight at the end, the oldest for %s\n", (ull)in_flight,
            time_text((double)counts->oldest_ns, time));
  if (left) fprintf(to, "  %llu were never started\n", (ull)left);
  if (counts->unsent)
    fprintf(to, "  %llu were due but unsent at the end: the server is slower than the rate\n",
            (ull)counts->unsent);
  if (counts->waiting)
    fprintf(
        to,
        "  %llu unfinished ones had waited longer than the median; the latencies include them\n",
        (ull)counts->waiting);
  if (counts->retried)
    fprintf(to, "  %llu were sent again: the server had refused them unprocessed\n",
            (ull)counts->retried);
  fprintf(to, "status codes: %llu 2xx, %llu 3xx, %llu 4xx, %llu 5xx\n",
          (ull)load_requests_class(counts, 2), (ull)load_requests_class(counts, 3),
          (ull)load_requests_class(counts, 4), (ull)load_requests_class(counts, 5));
}

static void print_traffic(const struct load_report *report, FILE *to) {
  const struct load_requests *counts = &report->sum.requests;
  char a[LOAD_TEXT_BYTES], b[LOAD_TEXT_BYTES], c[LOAD_TEXT_BYTES];
  double saved = counts->header_plain_bytes ? 100 - 100.0 * (double)counts->header_bytes /
                                                        (double)counts->header_plain_bytes
                                            : 0;
  fprintf(to,
          "traffic: %s (%llu) total, %s (%llu) headers (space savings %.2f%%), %s (%llu) data\n",
          bytes_text((double)counts->wire_in, a), (ull)counts->wire_in,
          bytes_text((double)counts->header_bytes, b), (ull)counts->header_bytes, saved,
          bytes_text((double)counts->data_bytes, c), (ull)counts->data_bytes);
  fprintf(to, "sent: %s (%llu) total, %s (%llu) data\n", bytes_text((double)counts->wire_out, a),
          (ull)counts->wire_out, bytes_text((double)counts->upload_bytes, b),
          (ull)counts->upload_bytes);
}

static void print_errors(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  char text[96];
  for (unsigned i = 0; i < sum->requests.error_count; i++) {
    const struct load_error_row *row = &sum->requests.errors[i];
    fprintf(to, "  %llu requests: %s\n", (ull)row->count,
            load_error_text(row->error, row->code, text, sizeof text));
  }
  if (sum->requests.errors_lost)
    fprintf(to, "  %llu requests: other errors\n", (ull)sum->requests.errors_lost);
  for (unsigned i = 0; i < sum->reason_count; i++)
    fprintf(to, "  %llu connections: %s\n", (ull)sum->reasons[i].count, sum->reasons[i].text);
  if (sum->reasons_lost) fprintf(to, "  %llu connections: other reasons\n", (ull)sum->reasons_lost);
}

static void print_connections(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  fprintf(to, "connections: %u wanted, %llu opened, %llu failed, %llu ended early\n",
          report->options->connections, (ull)sum->connections_opened, (ull)sum->connections_failed,
          (ull)sum->connections_ended);
}

/* ---- times ----------------------------------------------------------------------------------- */

static void print_times(const char *name, const struct load_histogram *histogram, FILE *to) {
  static const double percents[] = {0, 50, 90, 99, 99.9, 100};
  char text[LOAD_TEXT_BYTES];
  if (histogram->count == 0) return;
  fprintf(to, "%-18s", name);
  for (unsigned i = 0; i < sizeof percents / sizeof percents[0]; i++)
    fprintf(to, " %9s", time_text((double)load_histogram_percentile(histogram, percents[i]), text));
  fprintf(to, " %9s\n", time_text(load_histogram_mean(histogram), text));
}

static void print_histograms(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  const struct load_fairness *fairness = &report->fairness;
  fprintf(to, "%-18s %9s %9s %9s %9s %9s %9s %9s\n", "", "min", "p50", "p90", "p99", "p99.9", "max",
          "mean");
  print_times("latency:", &sum->requests.latency, to);
  if (report->options->rate) print_times("  since sent:", &sum->requests.service, to);
  print_times("  of failures:", &sum->requests.failed_latency, to);
  print_times("first byte:", &sum->requests.first_byte, to);
  print_times("connect:", &sum->connect, to);
  print_times("TLS handshake:", &sum->handshake, to);
  fprintf(to, "requests per connection: min %llu, mean %.1f, max %llu\n", (ull)fairness->min,
          fairness->mean, (ull)fairness->max);
}

static void print_busy(const struct load_report *report, FILE *to) {
  double most = 0;
  for (unsigned i = 0; i < report->workers; i++)
    if (report->busy[i] > most) most = report->busy[i];
  char text[LOAD_TEXT_BYTES];
  fprintf(to, "own CPU time: %s, the busiest thread %.0f%%\n",
          time_text((double)report->sum.cpu_ns, text), 100 * most);
  if (most > LOAD_BUSY)
    fprintf(to,
            "warning: %s thread was busy all the time; weir load may have been slower than the "
            "server: try more threads (-t)\n",
            report->workers > 1 ? "a" : "the");
}

void load_text_write(const struct load_report *report, FILE *to) {
  print_finish(report, to);
  print_counts(report, to);
  print_traffic(report, to);
  print_connections(report, to);
  print_errors(report, to);
  print_histograms(report, to);
  print_busy(report, to);
}
