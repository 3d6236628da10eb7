/*
 * load/json.c - the report as JSON; see load/json.h.
 */
#include "tools/load/json.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/version.h"
#include "tools/load/histogram_json.h"
#include "tools/load/json_parts.h"
#include "tools/load/show.h"

/* ---- times ----------------------------------------------------------------------------------- */

static json_t *times_of(const struct load_histogram *histogram) {
  static const struct {
    const char *name;
    double percent;
  } rows[] = {{"min_ns", 0},      {"p50_ns", 50},       {"p75_ns", 75},
              {"p90_ns", 90},     {"p95_ns", 95},       {"p99_ns", 99},
              {"p99_9_ns", 99.9}, {"p99_99_ns", 99.99}, {"max_ns", 100}};
  json_t *object = json_object();
  json_object_set_new(object, "count", load_json_integer(histogram->count));
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    json_object_set_new(object, rows[i].name,
                        load_json_integer(load_histogram_percentile(histogram, rows[i].percent)));
  json_object_set_new(object, "mean_ns", json_real(load_histogram_mean(histogram)));
  json_object_set_new(object, "histogram", load_histogram_to_json(histogram));
  return object;
}

static void add_times(json_t *root, const struct load_report *report) {
  const struct load_stats *sum = &report->sum;
  const struct {
    const char *name;
    const struct load_histogram *histogram;
  } rows[] = {
      {"latency", &sum->requests.latency},
      {"failed_latency", &sum->requests.failed_latency},
      {"since_sent", &sum->requests.service},
      {"first_byte", &sum->requests.first_byte},
      {"connect", &sum->connect},
      {"handshake", &sum->handshake},
      {"lateness", &report->self.lateness},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    json_object_set_new(root, rows[i].name, times_of(rows[i].histogram));
}

/* ---- counts ---------------------------------------------------------------------------------- */

static json_t *counts_of(const struct load_json_count *rows, size_t count) {
  json_t *object = json_object();
  load_json_add_counts(object, rows, count);
  return object;
}

static json_t *requests_of(const struct load_report *report) {
  const struct load_requests *counts = &report->sum.requests;
  const struct load_json_count rows[] = {
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
      {"other_errors", counts->errors_lost},
      {"oldest_in_flight_ns", counts->oldest_ns},
  };
  json_t *object = counts_of(rows, sizeof rows / sizeof rows[0]);
  json_object_set_new(object, "succeeded_per_second",
                      json_real(load_report_rate(report, counts->succeeded)));
  json_object_set_new(object, "failed_per_second",
                      json_real(load_report_rate(report, counts->failed)));
  return object;
}

static json_t *bytes_of(const struct load_requests *counts) {
  const struct load_json_count rows[] = {
      {"received", counts->wire_in},      {"sent", counts->wire_out},
      {"http_received", counts->http_in}, {"http_sent", counts->http_out},
      {"headers", counts->header_bytes},  {"headers_uncompressed", counts->header_plain_bytes},
      {"data", counts->data_bytes},       {"data_sent", counts->upload_bytes},
  };
  return counts_of(rows, sizeof rows / sizeof rows[0]);
}

static json_t *statuses_of(const struct load_requests *counts) {
  json_t *object = json_object();
  char name[16];
  for (unsigned i = 0; i < LOAD_STATUSES; i++) {
    if (counts->statuses[i] == 0) continue;
    snprintf(name, sizeof name, "%03u", i);
    json_object_set_new(object, name, load_json_integer(counts->statuses[i]));
  }
  return object;
}

static json_t *errors_of(const struct load_requests *counts) {
  json_t *list = json_array();
  char text[96];
  for (unsigned i = 0; i < counts->error_count; i++) {
    const struct load_error_row *row = &counts->errors[i];
    load_error_text(row->error, row->code, text, sizeof text);
    json_array_append_new(list,
                          json_pack("{s:s, s:o, s:s, s:o}", "kind", load_error_name(row->error),
                                    "code", load_json_integer(row->code), "text", text, "count",
                                    load_json_integer(row->count)));
  }
  return list;
}

/* {"1001": 3} */
static json_t *close_codes_of(const struct load_stats *sum) {
  json_t *object = json_object();
  char name[16];
  for (unsigned i = 0; i < LOAD_CLOSE_CODES; i++) {
    if (sum->close_codes[i] == 0) continue;
    snprintf(name, sizeof name, "%u", LOAD_CLOSE_CODE_MIN + i);
    json_object_set_new(object, name, load_json_integer(sum->close_codes[i]));
  }
  return object;
}

static json_t *connections_of(const struct load_report *report) {
  const struct load_stats *sum = &report->sum;
  const struct load_json_count rows[] = {
      {"wanted", report->options->connections}, {"opened", sum->connections_opened},
      {"failed", sum->connections_failed},      {"ended", sum->connections_ended},
      {"other_reasons", sum->reasons_lost},
  };
  json_t *reasons = json_array(), *object = counts_of(rows, sizeof rows / sizeof rows[0]);
  for (unsigned i = 0; i < sum->reason_count; i++)
    json_array_append_new(reasons,
                          json_pack("{s:o, s:b, s:o}", "text", load_json_text(sum->reasons[i].text),
                                    "graceful", sum->reasons[i].graceful, "count",
                                    load_json_integer(sum->reasons[i].count)));
  json_object_set_new(object, "reasons", reasons);
  json_object_set_new(object, "close_codes", close_codes_of(sum));
  json_object_set_new(object, "requests",
                      json_pack("{s:o, s:f, s:o}", "min", load_json_integer(report->fairness.min),
                                "mean", report->fairness.mean, "max",
                                load_json_integer(report->fairness.max)));
  return object;
}

static json_t *origins_of(const struct load_report *report) {
  json_t *list = json_array();
  for (unsigned i = 0; i < report->origin_count; i++) {
    const struct load_origin_counts *counts = &report->origins[i];
    json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "origin", counts->origin,
                                          "connections", load_json_integer(counts->connections),
                                          "done", load_json_integer(counts->done), "failed",
                                          load_json_integer(counts->failed)));
  }
  return list;
}

/* NULL for what there is not, in clear text. */
static json_t *text_or_null(const char *text) {
  return *text ? json_string(text) : json_null();
}

static json_t *tls_of(const struct load_tls_facts *tls) {
  const struct load_tls_kind *first = &tls->kinds[0];
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version", text_or_null(first->version),
                   "cipher", text_or_null(first->cipher), "group", text_or_null(first->group),
                   "alpn", text_or_null(first->alpn), "connections",
                   load_json_integer(tls->connections), "resumed", load_json_integer(tls->resumed),
                   "others", load_json_integer(load_tls_facts_others(tls)));
}

static json_t *self_of(const struct load_report *report) {
  const struct load_self *self = &report->self;
  const struct load_json_count rows[] = {
      {"cpu_ns", report->sum.cpu_ns}, {"late", self->late},
      {"crowded", self->crowded},     {"run_delay_ns", self->run_delay_ns},
      {"throttled", self->throttled}, {"throttled_ns", self->throttled_ns},
      {"log_lost", report->log_lost}, {"input_ns", self->input_ns},
  };
  json_t *object = counts_of(rows, sizeof rows / sizeof rows[0]), *busy = json_array();
  for (unsigned i = 0; i < report->workers; i++)
    json_array_append_new(busy, json_real(report->busy[i]));
  json_object_set_new(object, "busy", busy);
  return object;
}

/* ---- the object ------------------------------------------------------------------------------ */

static void add_head(json_t *root, const struct load_report *report) {
  const struct load_stats *sum = &report->sum;
  char *verdict = load_verdict_text(report);
  const struct {
    const char *name;
    json_t *value;
  } rows[] = {
      {"weir_load", json_integer(LOAD_JSON_VERSION)},
      {"version", json_string(WEIR_VERSION)},
      {"command", load_json_text(report->command ? report->command : "")},
      {"origin", load_json_text(report->origin)},
      {"begin_unix_ns", json_integer(report->begin_unix_ns)},
      {"ring",
       report->ring == RING_AUTO ? json_null() : json_string(ring_choice_name(report->ring))},
      {"options", load_json_options(report->options)},
      {"verdict", load_json_text(verdict ? verdict : "")},
      {"limited_by", json_string(load_verdict_limit(report))},
      {"interrupted", json_boolean(sum->interrupted)},
      {"duration_ns", load_json_integer(sum->end_ns - sum->begin_ns)},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    json_object_set_new(root, rows[i].name, rows[i].value);
  free(verdict);
}

json_t *load_json_of(const struct load_report *report) {
  const struct load_requests *counts = &report->sum.requests;
  json_t *root = json_object();
  if (!root) return NULL;
  add_head(root, report);
  json_object_set_new(root, "requests", requests_of(report));
  json_object_set_new(root, "statuses", statuses_of(counts));
  json_object_set_new(root, "errors", errors_of(counts));
  json_object_set_new(root, "bytes", bytes_of(counts));
  json_object_set_new(root, "connections", connections_of(report));
  add_times(root, report);
  json_object_set_new(root, "origins", origins_of(report));
  json_object_set_new(root, "tls", tls_of(&report->sum.tls));
  json_object_set_new(root, "self", self_of(report));
  json_object_set_new(root, "fail_if", load_json_conditions(report));
  json_object_set_new(root, "series", load_json_series(&report->series));
  json_object_set_new(root, "stages", load_json_stages(report->stages, report->stage_count));
  return root;
}

/* ---- writing --------------------------------------------------------------------------------- */

enum { FLAGS = JSON_ENCODE_ANY | JSON_REAL_PRECISION(9) };

static bool write_list(const json_t *list, FILE *to) {
  size_t index;
  const json_t *value;
  if (fputs("[", to) == EOF) return false;
  json_array_foreach (list, index, value) {
    if (fputs(index ? ",\n  " : "\n  ", to) == EOF || json_dumpf(value, to, FLAGS) != 0)
      return false;
  }
  return fputs("]", to) != EOF;
}

bool load_json_put(const json_t *root, FILE *to) {
  const char *name, *before = "{\n ";
  json_t *value;
  json_object_foreach ((json_t *)root, name, value) {
    if (fprintf(to, "%s\"%s\": ", before, name) < 0) return false;
    if (!(json_is_array(value) ? write_list(value, to) : json_dumpf(value, to, FLAGS) == 0))
      return false;
    before = ",\n ";
  }
  return fputs("\n}\n", to) != EOF;
}

bool load_json_write(const struct load_report *report, FILE *to) {
  json_t *root = load_json_of(report);
  bool good = root && load_json_put(root, to);
  json_decref(root);
  return good;
}
