/*
 * load/json.h - the report of a run as one JSON object. tools/load/SCHEMA.md describes every key, and
 * a test compares the two.
 */
#ifndef WEIR_LOAD_JSON_H
#define WEIR_LOAD_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "tools/load/result.h"

/* The version of the schema. It changes when a key is removed or gets another meaning. New keys may
 * come without a change. */
enum { LOAD_JSON_VERSION = 1 };

/* The caller takes the object. NULL when memory was refused. */
__attribute__((warn_unused_result)) json_t *load_json_of(const struct load_report *report);

/* Writes an object, with each key and each row of the series on a line of its own. False when writing
 * failed. */
__attribute__((warn_unused_result)) bool load_json_put(const json_t *root, FILE *to);

/* Writes the report's. False when writing failed, or memory was refused. */
__attribute__((warn_unused_result)) bool load_json_write(const struct load_report *report,
                                                         FILE *to);

#endif
