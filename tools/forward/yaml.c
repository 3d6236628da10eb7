/*
 * forward/yaml.c - see forward/yaml.h.
 */
#include "tools/forward/yaml.h"

#include <string.h>
#include <yaml.h>

#include "tools/forward/limits.h"

struct reader {
  yaml_parser_t parser;
  const char *name;
  const struct failure *failure;
  bool failed;
};

/* Returns NULL. Only the first failure counts. Lines are counted from 1 for people. */
static json_t *fail(struct reader *reader, size_t line, const char *what) {
  if (!reader->failed) failure_set(reader->failure, "%s:%zu: %s", reader->name, line + 1, what);
  reader->failed = true;
  return NULL;
}

static bool next(struct reader *reader, yaml_event_t *event) {
  if (yaml_parser_parse(&reader->parser, event)) return true;
  const char *problem = reader->parser.problem;
  fail(reader, reader->parser.problem_mark.line, problem ? problem : "not YAML");
  return false;
}

static bool is_one_of(const char *text, const char *const *words) {
  while (*words && strcmp(text, *words) != 0)
    words++;
  return *words;
}

static json_t *scalar(struct reader *reader, const yaml_event_t *event) {
  static const char *const yes[] = {"true", "True", "TRUE", NULL};
  static const char *const no[] = {"false", "False", "FALSE", NULL};
  static const char *const none[] = {"", "~", "null", "Null", "NULL", NULL};
  const char *text = (const char *)event->data.scalar.value;
  if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
    if (is_one_of(text, yes)) return json_true();
    if (is_one_of(text, no)) return json_false();
    if (is_one_of(text, none)) return json_null();
  }
  json_t *value = json_stringn(text, event->data.scalar.length);
  return value ? value : fail(reader, event->start_mark.line, "text is not UTF-8");
}

static json_t *value_of(struct reader *reader, const yaml_event_t *event, unsigned depth);

static json_t *sequence(struct reader *reader, unsigned depth) {
  json_t *list = json_array();
  yaml_event_t event;
  while (list && next(reader, &event)) {
    bool end = event.type == YAML_SEQUENCE_END_EVENT;
    json_t *value = end ? NULL : value_of(reader, &event, depth + 1);
    yaml_event_delete(&event);
    if (end) return list;
    if (!value || json_array_append_new(list, value)) break;
  }
  json_decref(list);
  return NULL;
}

/* One key and its value. */
static bool entry(struct reader *reader, json_t *map, const yaml_event_t *key, unsigned depth) {
  yaml_event_t event;
  const char *name = (const char *)key->data.scalar.value;
  if (key->type != YAML_SCALAR_EVENT)
    return fail(reader, key->start_mark.line, "a key is not a scalar");
  if (json_object_get(map, name)) return fail(reader, key->start_mark.line, "a key is given twice");
  if (!next(reader, &event)) return false;
  json_t *value = value_of(reader, &event, depth + 1);
  yaml_event_delete(&event);
  if (!value) return false;
  return json_object_set_new(map, name, value) == 0 ||
         fail(reader, key->start_mark.line, "a key is not UTF-8");
}

static json_t *mapping(struct reader *reader, unsigned depth) {
  json_t *map = json_object();
  yaml_event_t event;
  while (map && next(reader, &event)) {
    bool end = event.type == YAML_MAPPING_END_EVENT;
    bool good = end || entry(reader, map, &event, depth);
    yaml_event_delete(&event);
    if (end) return map;
    if (!good) break;
  }
  json_decref(map);
  return NULL;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event) {
  switch (event->type) {
  case YAML_SCALAR_EVENT: return event->data.scalar.anchor;
  case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.anchor;
  case YAML_MAPPING_START_EVENT: return event->data.mapping_start.anchor;
  default: return NULL;
  }
}

/* The value that begins with `event`. */
static json_t *value_of(struct reader *reader, const yaml_event_t *event, unsigned depth) {
  size_t line = event->start_mark.line;
  if (depth >= YAML_DEPTH_MAX) return fail(reader, line, "values are nested too deeply");
  if (event->type == YAML_ALIAS_EVENT || anchor_of(event))
    return fail(reader, line, "anchors and aliases are not supported");
  switch (event->type) {
  case YAML_SCALAR_EVENT: return scalar(reader, event);
  case YAML_SEQUENCE_START_EVENT: return sequence(reader, depth);
  case YAML_MAPPING_START_EVENT: return mapping(reader, depth);
  default: return fail(reader, line, "a value is missing");
  }
}

/* What comes after the document: nothing but the end of the stream. */
static json_t *end_stream(struct reader *reader, json_t *value) {
  yaml_event_t event;
  for (bool over = false; value && !over;) {
    if (!next(reader, &event)) break;
    over = event.type == YAML_STREAM_END_EVENT;
    bool more = event.type == YAML_DOCUMENT_START_EVENT;
    size_t line = event.start_mark.line;
    yaml_event_delete(&event);
    if (more) fail(reader, line, "a second document");
    if (more) break;
  }
  if (!reader->failed) return value;
  json_decref(value);
  return NULL;
}

static json_t *stream(struct reader *reader) {
  yaml_event_t event;
  while (next(reader, &event)) {
    yaml_event_type_t type = event.type;
    bool value = type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                 type != YAML_STREAM_END_EVENT;
    json_t *document = value ? value_of(reader, &event, 0) : NULL;
    yaml_event_delete(&event);
    if (type == YAML_STREAM_END_EVENT) return json_null();
    if (value) return end_stream(reader, document);
  }
  return NULL;
}

json_t *yaml_read(const char *name, struct span text, const struct failure *failure) {
  struct reader reader = {.name = name, .failure = failure};
  if (!yaml_parser_initialize(&reader.parser)) {
    fail(&reader, 0, "out of memory");
    return NULL;
  }
  yaml_parser_set_input_string(&reader.parser, text.base, text.len);
  json_t *document = stream(&reader);
  if (!document) fail(&reader, 0, "out of memory");
  yaml_parser_delete(&reader.parser);
  return document;
}
