/*
 * load/json_parts.h - the parts of the JSON object (load/json.h), each made in a file of its own. The
 * caller takes what the functions return. If memory is refused, parts are missing.
 */
#ifndef WEIR_LOAD_JSON_PARTS_H
#define WEIR_LOAD_JSON_PARTS_H

#include <jansson.h>

#include "tools/load/result.h"
#include "tools/load/stage_report.h"

struct load_json_count {
  const char *name;
  uint64_t value;
};

void load_json_add_counts(json_t *object, const struct load_json_count *rows, size_t count);

static inline json_t *load_json_integer(uint64_t value) {
  return json_integer((json_int_t)value);
}

/* A string, or null for NULL. Bytes that are not UTF-8 become '?': a server's text may have any. */
json_t *load_json_text(const char *text);

/* The options that the run had, defaults included. */
json_t *load_json_options(const struct load_options *options);

json_t *load_json_stages(const struct load_stage_report *stages, unsigned count);

json_t *load_json_series(const struct load_series *series);

/* What became of the conditions of --fail-if. */
json_t *load_json_conditions(const struct load_report *report);

#endif
