/*
 * load/text.c - the report as text: 80 columns, and one screen unless there are many kinds of errors;
 * see load/show.h.
 */
#include "tools/load/show.h"

#include <stdlib.h>
#include <string.h>

#include "tools/load/judge.h"
#include "tools/load/page.h"
#include "tools/load/text_parts.h"
#include "tools/load/units.h"

/* A count with its noun, in the plural unless it is one. */
static const char *count_of(uint64_t count, const char *noun, char text[2 * LOAD_TEXT_BYTES]) {
  char digits[LOAD_TEXT_BYTES];
  snprintf(text, 2 * LOAD_TEXT_BYTES, "%s %s%s", load_count_text(count, digits), noun,
           load_plural(count));
  return text;
}

/* ---- what was run, and how it went ----------------------------------------------------------- */

static void print_lateness(const struct load_report *report, FILE *to) {
  const struct load_self *self = &report->self;
  char p99[LOAD_TEXT_BYTES], max[LOAD_TEXT_BYTES], cause[128];
  double share = 100.0 * (double)self->late / (double)self->lateness.count;
  load_page_line(
      to,
      "warning: weir load itself was late by more than 1ms for %.1f%% of the %s (p99 %s, "
      "max %s), so the times below are partly its own",
      share, load_options_are_open(report->options) ? "requests" : "time",
      load_time_text((double)load_histogram_percentile(&self->lateness, 99), p99),
      load_time_text((double)self->lateness.max_ns, max));
  load_self_cause(self, cause, sizeof cause);
  if (*cause) load_page_line(to, "Cause: %s", cause);
}

/* What weir load did wrong comes first: it makes what follows doubtful. */
static void print_warnings(const struct load_report *report, FILE *to) {
  if (load_self_is_late(&report->self)) print_lateness(report, to);
  if (load_report_busy(report) > LOAD_BUSY)
    load_page_line(to,
                   "warning: %s thread was busy all the time; weir load may have been slower than "
                   "the server: try more threads (-t)",
                   report->workers > 1 ? "a" : "the");
}

/* The conditions of --fail-if, those that failed first. */
static void print_conditions(const struct load_report *report, FILE *to) {
  static struct load_outcome outcomes[LOAD_OUTCOMES_MAX];
  unsigned count = load_judge(report, outcomes);
  char condition[LOAD_CONDITION_BYTES], value[LOAD_TEXT_BYTES];
  for (unsigned i = 0; i < count; i++)
    load_page_line(to, "%s %s (%s)", outcomes[i].failed ? "FAILED:" : "passed:",
                   load_outcome_condition(&outcomes[i], condition),
                   load_outcome_value(&outcomes[i], value));
}

static void print_verdict(const struct load_report *report, FILE *to) {
  char *verdict = load_verdict_text(report);
  char *limit = verdict ? strstr(verdict, "; ") : NULL;
  if (limit) *limit = 0;
  if (verdict) load_page_line(to, "%s", verdict);
  if (limit) load_page_line(to, "%s", limit + 2);
  free(verdict);
  if (report->command) load_page_line(to, "%s", report->command);
  fputc('\n', to);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void print_requests(const struct load_report *report, FILE *to) {
  const struct load_requests *counts = &report->sum.requests;
  char a[LOAD_TEXT_BYTES], b[LOAD_TEXT_BYTES], c[LOAD_TEXT_BYTES], d[LOAD_TEXT_BYTES];
  snprintf(d, sizeof d, "%ss", load_report_noun(report));
  load_page_row(to, d, "%s started, %s succeeded, %s failed", load_count_text(counts->started, a),
                load_count_text(counts->succeeded, b), load_count_text(counts->failed, c));
  uint64_t in_flight = load_report_in_flight(report), left = load_report_left(report);
  if (in_flight)
    load_page_row(to, "", "%s unfinished at the end, the oldest after %s",
                  load_count_text(in_flight, a), load_time_text((double)counts->oldest_ns, b));
  if (counts->unsent)
    load_page_row(to, "", "%s due but unsent at the end", load_count_text(counts->unsent, a));
  if (counts->waiting)
    load_page_row(to, "", "%s of them waited longer than the median; the latency includes %s",
                  load_count_text(counts->waiting, a), counts->waiting == 1 ? "it" : "them");
  if (report->self.crowded)
    load_page_row(to, "",
                  "%s found no free stream or connection when due: raise -c or -m; if that "
                  "changes nothing, the server is slower than the rate",
                  load_count_text(report->self.crowded, a));
  if (left) load_page_row(to, "", "%s never started", load_count_text(left, a));
  if (counts->retried)
    load_page_row(to, "", "%s sent again, refused by the server unprocessed",
                  load_count_text(counts->retried, a));
}

/* Messages have none. */
static void print_statuses(const struct load_report *report, FILE *to) {
  const struct load_requests *counts = &report->sum.requests;
  char *text = NULL, digits[LOAD_TEXT_BYTES];
  size_t size;
  FILE *list = report->options->ws ? NULL : open_memstream(&text, &size);
  if (!list) return;
  for (unsigned i = 0; i < LOAD_STATUSES; i++)
    if (counts->statuses[i])
      fprintf(list, "%s%03u" LOAD_PAGE_JOINT "(%s)", ftell(list) ? ", " : "", i,
              load_count_text(counts->statuses[i], digits));
  if (fclose(list) == 0) load_page_row(to, "statuses", "%s", *text ? text : "none");
  free(text);
}

/* ---- errors ---------------------------------------------------------------------------------- */

struct rows {
  FILE *to;
  const char *name; /* of the first */
  unsigned shown;
  uint64_t more; /* kinds that found no room */
};

static void print_reason(struct rows *rows, uint64_t count, const char *noun, const char *reason) {
  char number[2 * LOAD_TEXT_BYTES];
  if (rows->shown == LOAD_PAGE_ERRORS) {
    rows->more++;
    return;
  }
  load_page_row(rows->to, rows->shown++ ? "" : rows->name, "%s: %s", count_of(count, noun, number),
                reason);
}

/* Why connections ended: by errors, or gracefully. */
static void print_reasons(const struct load_stats *sum, bool graceful, struct rows *rows) {
  for (unsigned i = 0; i < sum->reason_count; i++)
    if (sum->reasons[i].graceful == graceful)
      print_reason(rows, sum->reasons[i].count, "connection", sum->reasons[i].text);
}

static void print_more(const struct rows *rows) {
  char number[2 * LOAD_TEXT_BYTES];
  if (rows->more)
    load_page_row(rows->to, "", "and %s: see --json", count_of(rows->more, "other kind", number));
}

static void print_errors(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  struct rows rows = {.to = to, .name = "errors"};
  char text[96];
  for (unsigned i = 0; i < sum->requests.error_count; i++) {
    const struct load_error_row *row = &sum->requests.errors[i];
    print_reason(&rows, row->count, load_report_noun(report),
                 load_error_text(row->error, row->code, text, sizeof text));
  }
  print_reasons(sum, false, &rows);
  rows.more += (sum->requests.errors_lost > 0) + (sum->reasons_lost > 0);
  print_more(&rows);
}

/* ---- connections, bytes, ourselves ----------------------------------------------------------- */

static void print_connections(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  const struct load_fairness *fairness = &report->fairness;
  struct rows rows = {.to = to, .name = ""};
  char a[LOAD_TEXT_BYTES], b[LOAD_TEXT_BYTES], c[LOAD_TEXT_BYTES];
  load_page_row(to, "connections", "%s opened, %s failed, %s ended early",
                load_count_text(sum->connections_opened, a),
                load_count_text(sum->connections_failed, b),
                load_count_text(sum->connections_ended, c));
  print_reasons(sum, true, &rows);
  print_more(&rows);
  if (fairness->connections > 1 && sum->connections_opened > fairness->connections)
    load_page_row(to, "", "%ss on each of %s and those in its place: %s to %s",
                  load_report_noun(report), load_count_text(fairness->connections, c),
                  load_count_text(fairness->min, a), load_count_text(fairness->max, b));
  else if (fairness->connections > 1)
    load_page_row(to, "", "%ss on each: %s to %s", load_report_noun(report),
                  load_count_text(fairness->min, a), load_count_text(fairness->max, b));
}

/* "TLSv1.3, TLS_AES_128_GCM_SHA256, X25519, 3 resumed": behind the protocol. */
static void print_protocol(const struct load_report *report, FILE *to) {
  const struct load_tls_facts *tls = &report->sum.tls;
  const struct load_tls_kind *first = &tls->kinds[0];
  const uint64_t others = load_tls_facts_others(tls);
  const char *clear = report->options->upgrade ? " in clear text, by Upgrade" : " in clear text";
  char group[LOAD_TEXT_BYTES + 4] = "", resumed[2 * LOAD_TEXT_BYTES] = "", digits[LOAD_TEXT_BYTES];
  bool http1 = strcmp(first->alpn, "h2") != 0;
  if (tls->connections == 0) return;
  if (*first->group) snprintf(group, sizeof group, ", %s", first->group);
  if (tls->resumed)
    snprintf(resumed, sizeof resumed, ", %s resumed", load_count_text(tls->resumed, digits));
  load_page_row(to, "protocol", "%s%s%s%s%s%s%s%s", report->options->ws ? "WebSocket over " : "",
                http1 ? "HTTP/1.1" : "HTTP/2", *first->version ? " over " : clear, first->version,
                *first->cipher ? ", " : "", first->cipher, group, resumed);
  if (others)
    load_page_row(to, "", "%s spoke another protocol, or with another cipher",
                  count_of(others, "connection", resumed));
}

/* What TLS adds to `http` bytes; empty without TLS. */
static const char *tls_text(uint64_t wire, uint64_t http, char text[2 * LOAD_TEXT_BYTES]) {
  char bytes[LOAD_TEXT_BYTES];
  *text = 0;
  if (wire > http)
    snprintf(text, 2 * LOAD_TEXT_BYTES, ", TLS %s", load_bytes_text((double)(wire - http), bytes));
  return text;
}

/* A row for each of several servers. */
static void print_origins(const struct load_report *report, FILE *to) {
  char a[LOAD_TEXT_BYTES], b[LOAD_TEXT_BYTES], c[2 * LOAD_TEXT_BYTES];
  for (unsigned i = 0; i < report->origin_count && i < LOAD_ORIGIN_ROWS; i++) {
    const struct load_origin_counts *counts = &report->origins[i];
    load_page_row(to, i ? "" : "servers", "%s: %s succeeded, %s failed, %s", counts->origin,
                  load_count_text(counts->done - counts->failed, a),
                  load_count_text(counts->failed, b),
                  count_of(counts->connections, "connection", c));
  }
  if (report->origin_count > LOAD_ORIGIN_ROWS)
    load_page_row(to, "", "and %s: see --json",
                  count_of(report->origin_count - LOAD_ORIGIN_ROWS, "other server", c));
}

/* What HPACK saved; nothing over HTTP/1.1. */
static const char *saved_text(const struct load_requests *counts, char text[LOAD_TEXT_BYTES]) {
  double plain = (double)counts->header_plain_bytes;
  *text = 0;
  if (counts->header_bytes != counts->header_plain_bytes)
    snprintf(text, LOAD_TEXT_BYTES, " (%.1f%% saved)",
             100 - 100 * (double)counts->header_bytes / plain);
  return text;
}

/* Headers are counted as compressed; the rest of the bytes is frames. */
static void print_traffic(const struct load_report *report, FILE *to) {
  const struct load_requests *counts = &report->sum.requests;
  const char *what = report->options->ws ? "messages" : "bodies";
  char a[LOAD_TEXT_BYTES], b[LOAD_TEXT_BYTES], c[LOAD_TEXT_BYTES], d[LOAD_TEXT_BYTES];
  char tls[2 * LOAD_TEXT_BYTES], headers[2 * LOAD_TEXT_BYTES] = "", saved[LOAD_TEXT_BYTES];
  if (!report->options->ws)
    snprintf(headers, sizeof headers, ", headers %s%s",
             load_bytes_text((double)counts->header_bytes, d), saved_text(counts, saved));
  load_page_row(to, "received", "%s, %s/s: %s %s%s%s", load_bytes_text((double)counts->wire_in, a),
                load_bytes_text(load_report_rate(report, counts->wire_in), b), what,
                load_bytes_text((double)counts->data_bytes, c), headers,
                tls_text(counts->wire_in, counts->http_in, tls));
  load_page_row(to, "sent", "%s, %s/s: %s %s%s", load_bytes_text((double)counts->wire_out, a),
                load_bytes_text(load_report_rate(report, counts->wire_out), b), what,
                load_bytes_text((double)counts->upload_bytes, c),
                tls_text(counts->wire_out, counts->http_out, tls));
}

static void print_self(const struct load_report *report, FILE *to) {
  char text[LOAD_TEXT_BYTES];
  if (report->self.input_ns > LOAD_LATE_NS)
    load_page_row(to, "input", "waited %s for requests to be read",
                  load_time_text((double)report->self.input_ns, text));
  load_page_row(to, "weir load", "CPU time %s, the busiest thread %.0f%%",
                load_time_text((double)report->sum.cpu_ns, text), 100 * load_report_busy(report));
}

void load_text_write(const struct load_report *report, FILE *to) {
  print_conditions(report, to);
  print_warnings(report, to);
  print_verdict(report, to);
  print_requests(report, to);
  print_statuses(report, to);
  print_errors(report, to);
  print_connections(report, to);
  print_origins(report, to);
  print_protocol(report, to);
  print_traffic(report, to);
  print_self(report, to);
  load_text_times(report, to);
  load_text_stages(report, to);
}
