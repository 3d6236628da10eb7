/*
 * report/result.h - a result of `weir load --json`, read from a file.
 */
#ifndef WEIR_REPORT_RESULT_H
#define WEIR_REPORT_RESULT_H

#include <jansson.h>

#include "tools/common/failure.h"
#include "tools/load/histogram.h"

struct report_result {
  const char *path; /* borrowed */
  json_t *json;     /* the whole object */
  struct load_histogram latency;
};

/* Reads and checks the file. False: it cannot be read or is no such result; `result` then needs no
 * free. */
__attribute__((warn_unused_result)) bool
report_result_read(struct report_result *result, const char *path, const struct failure *failure);

void report_result_free(struct report_result *result);

/* The number at `path` in `json`, "requests.done", or 0 if there is none. */
__attribute__((warn_unused_result)) double report_number(const json_t *json, const char *path);

/* Likewise a text, or "". The text lives as long as `json`. */
__attribute__((warn_unused_result)) const char *report_text(const json_t *json, const char *path);

#endif
