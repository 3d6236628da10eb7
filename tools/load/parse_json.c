/*
 * load/parse_json.c - reads one JSON object a line; see load/parse_forms.h.
 */
#include <openssl/evp.h>

#include "engine/http/field_list.h"
#include "tools/load/parse_forms.h"

struct reading {
  struct load_parser *parser;
  struct load_draft *draft;
  const struct failure *failure;
};

static enum load_read wrong(const struct reading *reading, const char *key, const char *what) {
  return load_input_wrong(reading->parser->input, reading->parser->line, reading->failure,
                          "\"%s\": expected %s", key, what);
}

static struct span text_of(const json_t *value) {
  return span_of((const uint8_t *)json_string_value(value), json_string_length(value));
}

static enum load_read read_text(const struct reading *reading, const char *key, const json_t *value,
                                struct span *out) {
  if (!json_is_string(value)) return wrong(reading, key, "a text");
  *out = text_of(value);
  return LOAD_READ_ONE;
}

static enum load_read read_number(const struct reading *reading, const char *key,
                                  const json_t *value, json_int_t min, json_int_t max,
                                  uint64_t *out) {
  char range[80];
  json_int_t number = json_integer_value(value);
  snprintf(range, sizeof range, "an integer from %lld to %lld", (long long)min, (long long)max);
  if (!json_is_integer(value) || number < min || number > max) return wrong(reading, key, range);
  *out = (uint64_t)number;
  return LOAD_READ_ONE;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static enum load_read add_field(const struct reading *reading, const char *name,
                                const json_t *value) {
  struct load_draft *draft = reading->draft;
  if (!json_is_string(value)) return wrong(reading, name, "a text or a list of texts");
  if (draft->field_count == LOAD_FORM_FIELDS_MAX)
    return load_input_wrong(reading->parser->input, reading->parser->line, reading->failure,
                            "more than %d fields", LOAD_FORM_FIELDS_MAX);
  draft->fields[draft->field_count++] =
      (struct load_draft_field){.name = span_text(name), .value = text_of(value)};
  return LOAD_READ_ONE;
}

static enum load_read read_fields(const struct reading *reading, const char *key, json_t *fields) {
  const char *name;
  json_t *value, *one;
  size_t index;
  enum load_read result = LOAD_READ_ONE;
  if (!json_is_object(fields)) return wrong(reading, key, "an object");
  json_object_foreach (fields, name, value) {
    if (!json_is_array(value)) {
      result = add_field(reading, name, value);
      if (result != LOAD_READ_ONE) return result;
      continue;
    }
    json_array_foreach (value, index, one) {
      result = add_field(reading, name, one);
      if (result != LOAD_READ_ONE) return result;
    }
  }
  return result;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* RFC 4648 section 4, with padding. */
static enum load_read read_base64(const struct reading *reading, const char *key,
                                  const json_t *value) {
  struct load_buffer *text = &reading->parser->text;
  struct load_draft *draft = reading->draft;
  struct span in = {0};
  enum load_read result = read_text(reading, key, value, &in);
  if (result != LOAD_READ_ONE) return result;
  draft->has_body = true;
  if (in.len == 0) return LOAD_READ_ONE;
  if (in.len % 4 != 0) return wrong(reading, key, "base64");
  if (!load_buffer_reserve(text, in.len / 4 * 3))
    return load_input_wrong(reading->parser->input, 0, reading->failure, "out of memory");
  int len = EVP_DecodeBlock(text->at, in.base, (int)in.len);
  if (len < 0) return wrong(reading, key, "base64");
  size_t padding = (size_t)(in.base[in.len - 1] == '=') + (in.base[in.len - 2] == '=');
  draft->body = span_of(text->at, (size_t)len - padding);
  return LOAD_READ_ONE;
}

static enum load_read read_body_text(const struct reading *reading, const char *key,
                                     const json_t *value) {
  reading->draft->has_body = true;
  return read_text(reading, key, value, &reading->draft->body);
}

static enum load_read read_body_file(const struct reading *reading, const char *key,
                                     const json_t *value) {
  struct span *path = &reading->draft->body_path;
  if (json_is_string(value) && json_string_length(value) == 0) return wrong(reading, key, "a path");
  return read_text(reading, key, value, path);
}

/* ---- members --------------------------------------------------------------------------------- */

static enum load_read read_method(const struct reading *reading, const char *key,
                                  const json_t *value) {
  return read_text(reading, key, value, &reading->draft->method);
}

static enum load_read read_url(const struct reading *reading, const char *key,
                               const json_t *value) {
  return read_text(reading, key, value, &reading->draft->url);
}

static enum load_read read_body_bytes(const struct reading *reading, const char *key,
                                      const json_t *value) {
  return read_number(reading, key, value, 0, INT64_MAX, &reading->draft->body_zero_bytes);
}

static enum load_read read_weight(const struct reading *reading, const char *key,
                                  const json_t *value) {
  uint64_t weight = 1;
  enum load_read result = read_number(reading, key, value, 1, LOAD_WEIGHT_MAX, &weight);
  reading->draft->weight = (uint32_t)weight;
  return result;
}

static enum load_read read_time(const struct reading *reading, const char *key,
                                const json_t *value) {
  return read_number(reading, key, value, 0, INT64_MAX, &reading->draft->time_ns);
}

static enum load_read ignore(const struct reading *reading, const char *key, const json_t *value) {
  (void)reading;
  (void)key;
  (void)value;
  return LOAD_READ_ONE;
}

static enum load_read read_header(const struct reading *reading, const char *key,
                                  const json_t *value) {
  return read_fields(reading, key, (json_t *)value);
}

static const struct member {
  const char *key;
  enum load_read (*read)(const struct reading *reading, const char *key, const json_t *value);
} members[] = {
    {"method", read_method},
    {"url", read_url},
    {"header", read_header},
    {"body", read_base64},
    {"body_text", read_body_text},
    {"body_file", read_body_file},
    {"body_bytes", read_body_bytes},
    {"weight", read_weight},
    {"time_ns", read_time},
    {"protocol", ignore},
    {"scheme", ignore},
    {"authority", ignore},
};

static enum load_read read_member(const struct reading *reading, const char *key,
                                  const json_t *value) {
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    if (strcmp(members[i].key, key) == 0) return members[i].read(reading, key, value);
  return load_input_wrong(reading->parser->input, reading->parser->line, reading->failure,
                          "\"%.60s\": no such member", key);
}

/* ---- objects --------------------------------------------------------------------------------- */

static enum load_read next_line(struct load_parser *parser, struct span *line,
                                const struct failure *failure) {
  enum load_read result;
  do {
    result = load_input_line(parser->input, line, failure);
    if (result != LOAD_READ_ONE) return result;
  } while (field_trim(*line).len == 0);
  parser->line = parser->input->line;
  return LOAD_READ_ONE;
}

enum load_read load_parse_json(struct load_parser *parser, struct load_draft *draft,
                               const struct failure *failure) {
  const struct reading reading = {parser, draft, failure};
  struct span line;
  json_error_t error;
  const char *key;
  json_t *value;
  enum load_read result = next_line(parser, &line, failure);
  if (result != LOAD_READ_ONE) return result;
  parser->json = json_loadb((const char *)line.base, line.len, 0, &error);
  if (!parser->json)
    return load_input_wrong(parser->input, parser->line, failure, "not JSON: %s", error.text);
  if (!json_is_object(parser->json))
    return load_input_wrong(parser->input, parser->line, failure, "expected a JSON object");
  json_object_foreach (parser->json, key, value) {
    result = read_member(&reading, key, value);
    if (result != LOAD_READ_ONE) return result;
  }
  if (draft->url.len == 0) return wrong(&reading, "url", "a URL");
  return LOAD_READ_ONE;
}
