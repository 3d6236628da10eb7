/*
 * serve/metrics/text.h - metrics as text, in either of the two forms that Prometheus reads.
 * Spec: OpenMetrics 1.0 (application/openmetrics-text; version=1.0.0), and Prometheus' own text
 * (text/plain; version=0.0.4).
 *
 *     metrics_family(&text, "weir_requests", METRIC_COUNTER, "Requests that have ended.");
 *     metrics_count(&text, "protocol=\"HTTP/2\"", 12);
 *
 *     # HELP weir_requests Requests that have ended.
 *     # TYPE weir_requests counter
 *     weir_requests_total{protocol="HTTP/2"} 12
 *
 * The other form has the sample's whole name in the head, no units, no info, and no # EOF.
 */
#ifndef WEIR_TOOLS_SERVE_METRICS_TEXT_H
#define WEIR_TOOLS_SERVE_METRICS_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/serve/metrics/request_counts.h"

enum metrics_form { METRICS_PROMETHEUS, METRICS_OPEN };

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

struct metrics_text {
  FILE *out; /* the caller's */
  enum metrics_form form;
  const char *name; /* of the family that was begun last */
  const char *suffix;
};

/* The value of content-type. */
const char *metrics_content_type(enum metrics_form form);

/* Begins a family. `name` has neither _total nor _info; its unit is what it ends in, _seconds or
 * _bytes. Both texts are plain, and kept until the next family. */
void metrics_family(struct metrics_text *text, const char *name, enum metric_type type,
                    const char *help);

/* One sample each. `labels` is name="value",... without braces, or NULL. */
void metrics_count(struct metrics_text *text, const char *labels, uint64_t value);
void metrics_seconds(struct metrics_text *text, const char *labels, uint64_t ns);

/* All samples of a family with one histogram, whose values and bounds are in units of 1/`per_unit`. */
void metrics_histogram(struct metrics_text *text, const struct request_histogram *histogram,
                       const uint64_t bounds[REQUEST_BUCKETS], uint64_t per_unit);

void metrics_end(struct metrics_text *text);

/* Writes `value` as it stands between the quotes of a label; cuts what does not fit. Returns `out`. */
const char *metrics_label(char *out, size_t size, const char *value);

#endif
