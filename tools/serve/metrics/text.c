/*
 * serve/metrics/text.c - see serve/metrics/text.h.
 */
#include "tools/serve/metrics/text.h"

#include <inttypes.h>
#include <string.h>

static const struct {
  const char *open, *prometheus; /* names of the type */
  const char *suffix;
} types[] = {
    [METRIC_COUNTER] = {"counter", "counter", "_total"},
    [METRIC_GAUGE] = {"gauge", "gauge", ""},
    [METRIC_HISTOGRAM] = {"histogram", "histogram", ""},
    [METRIC_INFO] = {"info", "gauge", "_info"},
};

const char *metrics_content_type(enum metrics_form form) {
  return form == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                              : "text/plain; version=0.0.4; charset=utf-8";
}

static bool ends_in(const char *text, const char *end) {
  size_t len = strlen(text), end_len = strlen(end);
  return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

void metrics_family(struct metrics_text *text, const char *name, enum metric_type type,
                    const char *help) {
  bool open = text->form == METRICS_OPEN;
  const char *suffix = open ? "" : types[type].suffix;
  text->name = name;
  text->suffix = types[type].suffix;
  fprintf(text->out, "# HELP %s%s %s\n", name, suffix, help);
  fprintf(text->out, "# TYPE %s%s %s\n", name, suffix,
          open ? types[type].open : types[type].prometheus);
  if (!open) return;
  if (ends_in(name, "_seconds")) fprintf(text->out, "# UNIT %s seconds\n", name);
  if (ends_in(name, "_bytes")) fprintf(text->out, "# UNIT %s bytes\n", name);
}

static void begin(const struct metrics_text *text, const char *suffix, const char *labels) {
  fprintf(text->out, "%s%s", text->name, suffix);
  if (labels) fprintf(text->out, "{%s}", labels);
  fputc(' ', text->out);
}

void metrics_count(struct metrics_text *text, const char *labels, uint64_t value) {
  begin(text, text->suffix, labels);
  fprintf(text->out, "%" PRIu64 "\n", value);
}

/* `value` / `per_unit`, with all its digits and at least one after the point: the canonical form of
 * numbers is "1.0". */
static void fraction(char out[48], uint64_t value, uint64_t per_unit) {
  int digits = 0;
  for (uint64_t power = per_unit; power > 1; power /= 10)
    digits++;
  int len = snprintf(out, 48, "%" PRIu64 ".%0*" PRIu64, value / per_unit, digits ? digits : 1,
                     value % per_unit);
  while (out[len - 1] == '0' && out[len - 2] != '.')
    out[--len] = 0;
}

void metrics_seconds(struct metrics_text *text, const char *labels, uint64_t ns) {
  char number[48];
  fraction(number, ns, 1000000000);
  begin(text, text->suffix, labels);
  fprintf(text->out, "%s\n", number);
}

void metrics_histogram(struct metrics_text *text, const struct request_histogram *histogram,
                       const uint64_t bounds[REQUEST_BUCKETS], uint64_t per_unit) {
  char number[48], label[64];
  uint64_t count = 0;
  for (unsigned i = 0; i < REQUEST_BUCKETS; i++) {
    fraction(number, bounds[i], per_unit);
    snprintf(label, sizeof label, "le=\"%s\"", number);
    count += histogram->counts[i];
    begin(text, "_bucket", label);
    fprintf(text->out, "%" PRIu64 "\n", count);
  }
  count += histogram->counts[REQUEST_BUCKETS];
  fraction(number, histogram->sum, per_unit);
  fprintf(text->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", text->name, count);
  fprintf(text->out, "%s_sum %s\n", text->name, number);
  fprintf(text->out, "%s_count %" PRIu64 "\n", text->name, count);
}

void metrics_end(struct metrics_text *text) {
  if (text->form == METRICS_OPEN) fputs("# EOF\n", text->out);
}

const char *metrics_label(char *out, size_t size, const char *value) {
  size_t len = 0;
  for (; *value && len + 3 <= size; value++) {
    if (*value == '"' || *value == '\\' || *value == '\n') out[len++] = '\\';
    out[len++] = *value;
    if (*value == '\n') out[len - 1] = 'n';
  }
  out[len] = 0;
  return out;
}
