/*
 * load/json.c - the report as JSON; see load/show.h.
 */
#include "tools/load/show.h"

#include <jansson.h>

static json_t *integer(uint64_t value) {
  return json_integer((json_int_t)value);
}

static json_t *times_of(const struct load_histogram *histogram) {
  static const struct {
    const char *name;
    double percent;
  } rows[] = {{"min", 0}, {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"max", 100}};
  json_t *object = json_object();
  json_object_set_new(object, "count", integer(histogram->count));
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    json_object_set_new(object, rows[i].name,
                        integer(load_histogram_percentile(histogram, rows[i].percent)));
  json_object_set_new(object, "mean", json_real(load_histogram_mean(histogram)));
  return object;
}

static json_t *requests_of(const struct load_report *report) {
  const struct load_requests *counts = &report->sum.requests;
  const struct {
    const char *name;
    uint64_t value;
  } rows[] = {
      {"total", report->total},
      {"started", counts->started},
      {"done", counts->done},
      {"succeeded", counts->succeeded},
      {"failed", counts->failed},
      {"errored", counts->errored},
      {"timeout", counts->timeouts},
      {"in_flight", load_report_in_flight(report)},
      {"never_started", load_report_left(report)},
      {"unsent", counts->unsent},
      {"waiting", counts->waiting},
      {"retried", counts->retried},
      {"carried", counts->carried},
      {"oldest_in_flight_ns", counts->oldest_ns},
  };
  json_t *object = json_object();
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    json_object_set_new(object, rows[i].name, integer(rows[i].value));
  return object;
}

static json_t *classes_of(const struct load_requests *counts) {
  return json_pack("{s:o, s:o, s:o, s:o}", "2xx", integer(load_requests_class(counts, 2)), "3xx",
                   integer(load_requests_class(counts, 3)), "4xx",
                   integer(load_requests_class(counts, 4)), "5xx",
                   integer(load_requests_class(counts, 5)));
}

static json_t *statuses_of(const struct load_requests *counts) {
  json_t *object = json_object();
  char name[LOAD_TEXT_BYTES];
  for (unsigned i = 0; i < LOAD_STATUSES; i++) {
    if (counts->statuses[i] == 0) continue;
    snprintf(name, sizeof name, "%u", i);
    json_object_set_new(object, name, integer(counts->statuses[i]));
  }
  return object;
}

static json_t *bytes_of(const struct load_requests *counts) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "received", integer(counts->wire_in), "sent",
                   integer(counts->wire_out), "headers", integer(counts->header_bytes),
                   "headers_uncompressed", integer(counts->header_plain_bytes), "data",
                   integer(counts->data_bytes), "data_sent", integer(counts->upload_bytes));
}

static json_t *errors_of(const struct load_requests *counts) {
  json_t *list = json_array();
  char text[96];
  for (unsigned i = 0; i < counts->error_count; i++) {
    const struct load_error_row *row = &counts->errors[i];
    load_error_text(row->error, row->code, text, sizeof text);
    json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:o}", "kind",
                                          load_error_name(row->error), "code", integer(row->code),
                                          "text", text, "requests", integer(row->count)));
  }
  return list;
}

static json_t *connections_of(const struct load_report *report) {
  const struct load_stats *sum = &report->sum;
  json_t *reasons = json_array();
  for (unsigned i = 0; i < sum->reason_count; i++)
    json_array_append_new(reasons, json_pack("{s:s, s:o}", "text", sum->reasons[i].text,
                                             "connections", integer(sum->reasons[i].count)));
  return json_pack("{s:i, s:o, s:o, s:o, s:o, s:{s:o, s:f, s:o}}", "wanted",
                   (int)report->options->connections, "opened", integer(sum->connections_opened),
                   "failed", integer(sum->connections_failed), "ended",
                   integer(sum->connections_ended), "reasons", reasons, "requests", "min",
                   integer(report->fairness.min), "mean", report->fairness.mean, "max",
                   integer(report->fairness.max));
}

static json_t *generator_of(const struct load_report *report) {
  json_t *busy = json_array();
  bool limited = false;
  for (unsigned i = 0; i < report->workers; i++) {
    json_array_append_new(busy, json_real(report->busy[i]));
    limited = limited || report->busy[i] > LOAD_BUSY;
  }
  return json_pack("{s:o, s:o, s:b}", "cpu_ns", integer(report->sum.cpu_ns), "busy", busy,
                   "perhaps_the_bottleneck", limited);
}

bool load_json_write(const struct load_report *report, FILE *to) {
  const struct load_stats *sum = &report->sum;
  json_t *root = json_pack(
      "{s:s, s:b, s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
      "origin", report->origin, "interrupted", sum->interrupted, "seconds",
      load_report_seconds(report), "requests_per_second",
      load_report_rate(report, sum->requests.succeeded), "failed_per_second",
      load_report_rate(report, sum->requests.failed), "requests", requests_of(report), "status",
      classes_of(&sum->requests), "statuses", statuses_of(&sum->requests), "bytes",
      bytes_of(&sum->requests), "errors", errors_of(&sum->requests), "connections",
      connections_of(report), "latency_ns", times_of(&sum->requests.latency), "failed_latency_ns",
      times_of(&sum->requests.failed_latency), "since_sent_ns", times_of(&sum->requests.service),
      "first_byte_ns", times_of(&sum->requests.first_byte), "connect_ns", times_of(&sum->connect),
      "tls_handshake_ns", times_of(&sum->handshake), "generator", generator_of(report));
  bool good = root && json_dumpf(root, to, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 &&
              fputc('\n', to) != EOF;
  json_decref(root);
  return good;
}
