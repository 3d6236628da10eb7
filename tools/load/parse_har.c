/*
 * load/parse_har.c - reads the requests of an HTTP archive; see load/parse_forms.h.
 * Spec: http://www.softwareishard.com/blog/har-12-spec/.
 *
 * Browsers write archives of many megabytes, most of them the bodies of responses. So only one
 * element of log.entries is held at a time. A scanner finds where each begins and ends; it knows
 * strings and nesting, and leaves the rest to the JSON parser.
 */
#include "tools/load/parse_forms.h"
#include "tools/load/rfc3339.h"

/* ---- finding the entries --------------------------------------------------------------------- */

/* The next byte that is not white space. */
static enum load_read next_byte(struct load_parser *parser, uint8_t *out,
                                const struct failure *failure) {
  enum load_read result;
  do
    result = load_input_byte(parser->input, out, failure);
  while (result == LOAD_READ_ONE && (*out == ' ' || (*out >= '\t' && *out <= '\r')));
  return result;
}

static enum load_read cut_short(struct load_parser *parser, const struct failure *failure) {
  if (parser->input->stopped) return LOAD_READ_END;
  return load_input_wrong(parser->input, 0, failure, "the archive is cut short");
}

static enum load_read keep(struct load_parser *parser, uint8_t byte,
                           const struct failure *failure) {
  if (parser->text.len >= LOAD_INPUT_ITEM_BYTES_MAX)
    return load_input_wrong(parser->input, parser->line, failure,
                            "an entry is longer than %d bytes", LOAD_INPUT_ITEM_BYTES_MAX);
  if (!load_buffer_add(&parser->text, &byte, 1))
    return load_input_wrong(parser->input, 0, failure, "out of memory");
  return LOAD_READ_ONE;
}

/* Reads one JSON value that begins with `byte`, into parser->text if it is to be `kept`. Stops
 * behind its closing bracket or quote; a number or word ends before `*after`. */
static enum load_read read_value(struct load_parser *parser, uint8_t byte, bool kept,
                                 uint8_t *after, const struct failure *failure) {
  unsigned depth = 0;
  bool quoted = false, escaped = false;
  *after = 0;
  for (;;) {
    bool closes = !quoted && (byte == '}' || byte == ']');
    if (depth == 0 && !quoted && (closes || byte == ',')) {
      *after = byte;
      return LOAD_READ_ONE;
    }
    if (kept) {
      enum load_read result = keep(parser, byte, failure);
      if (result != LOAD_READ_ONE) return result;
    }
    bool quote = byte == '"' && !escaped;
    escaped = quoted && byte == '\\' && !escaped;
    if (quote) quoted = !quoted;
    if (!quoted && (byte == '{' || byte == '[')) depth++;
    if (closes) depth--;
    if (depth == 0 && !quoted && (closes || quote)) return LOAD_READ_ONE;
    enum load_read result = load_input_byte(parser->input, &byte, failure);
    if (result == LOAD_READ_END) return cut_short(parser, failure);
    if (result != LOAD_READ_ONE) return result;
  }
}

/* Within an object: goes to the value of `key`, whose first byte is set to `out`. LOAD_READ_END:
 * the object has no such member. */
static enum load_read find_member(struct load_parser *parser, const char *key, uint8_t *out,
                                  const struct failure *failure) {
  uint8_t byte, after;
  enum load_read result;
  while ((result = next_byte(parser, &byte, failure)) == LOAD_READ_ONE) {
    if (byte == ',') continue;
    if (byte == '}') return LOAD_READ_END;
    if (byte != '"') return load_input_wrong(parser->input, 0, failure, "expected a member's name");
    parser->text.len = 0;
    result = read_value(parser, byte, true, &after, failure);
    if (result == LOAD_READ_ONE) result = next_byte(parser, &byte, failure);
    if (result == LOAD_READ_ONE && byte != ':')
      return load_input_wrong(parser->input, 0, failure, "expected a colon");
    if (result == LOAD_READ_ONE) result = next_byte(parser, out, failure);
    if (result != LOAD_READ_ONE) break;
    struct span name = span_of(parser->text.at + 1, parser->text.len - 2);
    if (span_is(name, key)) return LOAD_READ_ONE;
    result = read_value(parser, *out, false, &after, failure);
    if (result != LOAD_READ_ONE) return result;
    if (after == '}') return LOAD_READ_END;
  }
  return result == LOAD_READ_END ? cut_short(parser, failure) : result;
}

/* Goes to the first element of log.entries. */
static enum load_read find_entries(struct load_parser *parser, const struct failure *failure) {
  static const struct {
    const char *key;
    uint8_t begin;
  } path[] = {{"log", '{'}, {"entries", '['}};
  uint8_t byte;
  enum load_read result = next_byte(parser, &byte, failure);
  for (size_t i = 0; i < 2 && result == LOAD_READ_ONE; i++) {
    result = find_member(parser, path[i].key, &byte, failure);
    if (result == LOAD_READ_WRONG || parser->input->stopped) return result;
    if (result == LOAD_READ_END || byte != path[i].begin)
      return load_input_wrong(parser->input, 0, failure, "an archive has no log.entries");
  }
  parser->found = true;
  return result;
}

/* ---- one entry ------------------------------------------------------------------------------- */

static struct span member_text(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_string(value)) return (struct span){0};
  return span_of((const uint8_t *)json_string_value(value), json_string_length(value));
}

/* 0 if it is no time, or one before 1970. */
static uint64_t time_of(const char *text) {
  int64_t ns;
  return text && load_rfc3339_parse(text, &ns) && ns > 0 ? (uint64_t)ns : 0;
}

static enum load_read read_fields(struct load_parser *parser, const json_t *fields,
                                  struct load_draft *draft, const struct failure *failure) {
  size_t index;
  json_t *field;
  json_array_foreach ((json_t *)fields, index, field) {
    struct span name = member_text(field, "name");
    if (name.len == 0 || name.base[0] == ':') continue; /* browsers list pseudo-header fields */
    if (draft->field_count == LOAD_FORM_FIELDS_MAX)
      return load_input_wrong(parser->input, parser->line, failure, "more than %d fields",
                              LOAD_FORM_FIELDS_MAX);
    draft->fields[draft->field_count++] =
        (struct load_draft_field){.name = name, .value = member_text(field, "value")};
  }
  return LOAD_READ_ONE;
}

static enum load_read read_entry(struct load_parser *parser, struct load_draft *draft,
                                 const struct failure *failure) {
  json_error_t error;
  parser->json =
      json_loadb((const char *)parser->text.at, parser->text.len, JSON_ALLOW_NUL, &error);
  if (!parser->json)
    return load_input_wrong(parser->input,
                            parser->line + (uint64_t)(error.line > 0) * (uint64_t)(error.line - 1),
                            failure, "not JSON: %s", error.text);
  const json_t *request = json_object_get(parser->json, "request");
  const json_t *body = json_object_get(json_object_get(request, "postData"), "text");
  draft->literal = draft->foreign = true;
  draft->method = member_text(request, "method");
  draft->url = member_text(request, "url");
  draft->time_ns = time_of(json_string_value(json_object_get(parser->json, "startedDateTime")));
  draft->has_body = json_is_string(body);
  draft->body = member_text(json_object_get(request, "postData"), "text");
  if (draft->method.len == 0 || draft->url.len == 0)
    return load_input_wrong(parser->input, parser->line, failure,
                            "an entry has no request.method or request.url");
  return read_fields(parser, json_object_get(request, "headers"), draft, failure);
}

enum load_read load_parse_har(struct load_parser *parser, struct load_draft *draft,
                              const struct failure *failure) {
  uint8_t byte, after;
  enum load_read result = LOAD_READ_ONE;
  if (!parser->found) result = find_entries(parser, failure);
  do
    if (result == LOAD_READ_ONE) result = next_byte(parser, &byte, failure);
  while (result == LOAD_READ_ONE && byte == ',');
  if (result == LOAD_READ_END) return cut_short(parser, failure);
  if (result != LOAD_READ_ONE || byte == ']')
    return result == LOAD_READ_ONE ? LOAD_READ_END : result;
  if (byte != '{') return load_input_wrong(parser->input, 0, failure, "expected an entry");
  parser->text.len = 0;
  parser->line = parser->input->line;
  result = read_value(parser, byte, true, &after, failure);
  return result == LOAD_READ_ONE ? read_entry(parser, draft, failure) : result;
}
