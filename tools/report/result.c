/*
 * report/result.c - see report/result.h.
 */
#include "tools/report/result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/load/histogram_json.h"
#include "tools/load/json.h"

static bool fail(const struct failure *failure, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(const struct failure *failure, const char *path, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  failure_set_in(failure, path, format, arguments);
  va_end(arguments);
  return false;
}

/* ---- members --------------------------------------------------------------------------------- */

static const json_t *find(const json_t *json, const char *path) {
  char name[64];
  while (json && *path) {
    size_t len = strcspn(path, ".");
    snprintf(name, sizeof name, "%.*s", (int)len, path);
    json = json_object_get(json, name);
    path += len + (path[len] == '.');
  }
  return json;
}

double report_number(const json_t *json, const char *path) {
  return json_number_value(find(json, path));
}

const char *report_text(const json_t *json, const char *path) {
  const char *text = json_string_value(find(json, path));
  return text ? text : "";
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool check(struct report_result *result, const struct failure *failure) {
  const json_t *version = json_object_get(result->json, "weir_load");
  if (!json_is_integer(version))
    return fail(failure, result->path, "no result of weir load --json");
  if (json_integer_value(version) != LOAD_JSON_VERSION)
    return fail(failure, result->path, "a result in form %lld; this program knows form %d",
                (long long)json_integer_value(version), LOAD_JSON_VERSION);
  if (!load_histogram_from_json(find(result->json, "latency.histogram"), &result->latency))
    return fail(failure, result->path, "the histogram of latencies is missing or wrong");
  return true;
}

bool report_result_read(struct report_result *result, const char *path,
                        const struct failure *failure) {
  json_error_t error;
  FILE *file = fopen(path, "re");
  if (!file) return fail(failure, path, "cannot read it: %s", strerror(errno));
  *result = (struct report_result){.path = path};
  result->json = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
  fclose(file);
  if (!result->json) return fail(failure, path, "line %d: %s", error.line, error.text);
  if (check(result, failure)) return true;
  report_result_free(result);
  return false;
}

void report_result_free(struct report_result *result) {
  json_decref(result->json);
  result->json = NULL;
}
