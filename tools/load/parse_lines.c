/*
 * load/parse_lines.c - reads one URL a line, and vegeta's http form; see load/parse_forms.h.
 */
#include "tools/load/parse_forms.h"

#include "engine/http/field_list.h"

bool load_parse_is_request_line(struct span line) {
  size_t len = 0;
  while (len < line.len && line.base[len] >= 'A' && line.base[len] <= 'Z')
    len++;
  return len > 0 && len < line.len && line.base[len] == ' ';
}

/* ---- one URL a line -------------------------------------------------------------------------- */

/* The next line that is neither blank nor a comment. */
static enum load_read next_line(struct load_parser *parser, struct span *line,
                                const struct failure *failure) {
  enum load_read result;
  do {
    result = load_input_line(parser->input, line, failure);
    if (result != LOAD_READ_ONE) return result;
    *line = field_trim(*line);
  } while (line->len == 0 || line->base[0] == '#');
  parser->line = parser->input->line;
  return LOAD_READ_ONE;
}

enum load_read load_parse_url(struct load_parser *parser, struct load_draft *draft,
                              const struct failure *failure) {
  return next_line(parser, &draft->url, failure);
}

/* ---- vegeta's http form ---------------------------------------------------------------------- */

/* Collects the lines of one request, since each is only good until the next is read. */
static enum load_read collect(struct load_parser *parser, const struct failure *failure) {
  struct span line;
  enum load_read result = next_line(parser, &line, failure);
  if (result != LOAD_READ_ONE) return result;
  while (load_buffer_add(&parser->text, line.base, line.len) &&
         load_buffer_add(&parser->text, "\n", 1)) {
    if (parser->text.len > LOAD_INPUT_ITEM_BYTES_MAX)
      return load_input_wrong(parser->input, parser->line, failure,
                              "a request is longer than %d bytes", LOAD_INPUT_ITEM_BYTES_MAX);
    result = load_input_line(parser->input, &line, failure);
    if (result == LOAD_READ_END) return LOAD_READ_ONE;
    if (result != LOAD_READ_ONE || field_trim(line).len == 0) return result;
    if (!load_parse_is_request_line(line)) continue;
    load_input_unread(parser->input, line);
    return LOAD_READ_ONE;
  }
  return load_input_wrong(parser->input, 0, failure, "out of memory");
}

static enum load_read read_request_line(struct load_parser *parser, struct span line,
                                        struct load_draft *draft, const struct failure *failure) {
  if (!load_parse_is_request_line(line) || !span_cut(line, ' ', &draft->method, &draft->url))
    return load_input_wrong(parser->input, parser->line, failure, "expected METHOD URL");
  draft->url = field_trim(draft->url);
  return LOAD_READ_ONE;
}

/* A field, or the file of the body. */
static enum load_read read_line(struct load_parser *parser, uint64_t number, struct span line,
                                struct load_draft *draft, const struct failure *failure) {
  struct load_draft_field *field = &draft->fields[draft->field_count];
  line = field_trim(line);
  if (line.len > 0 && line.base[0] == '#') return LOAD_READ_ONE;
  if (line.len > 1 && line.base[0] == '@' && draft->body_path.len == 0) {
    draft->body_path = span_skip(line, 1);
    return LOAD_READ_ONE;
  }
  if (draft->body_path.len > 0)
    return load_input_wrong(parser->input, number, failure,
                            "expected a blank line or METHOD URL after @FILE");
  if (draft->field_count == LOAD_FORM_FIELDS_MAX)
    return load_input_wrong(parser->input, number, failure, "more than %d fields",
                            LOAD_FORM_FIELDS_MAX);
  if (!span_cut(line, ':', &field->name, &field->value) || field->name.len == 0)
    return load_input_wrong(parser->input, number, failure,
                            "expected \"name: value\", @FILE, METHOD URL or a blank line");
  draft->field_count++;
  return LOAD_READ_ONE;
}

enum load_read load_parse_http(struct load_parser *parser, struct load_draft *draft,
                               const struct failure *failure) {
  struct span line, rest;
  enum load_read result = collect(parser, failure);
  if (result != LOAD_READ_ONE) return result;
  rest = span_of(parser->text.at, parser->text.len);
  uint64_t number = parser->line;
  for (; result == LOAD_READ_ONE && span_cut(rest, '\n', &line, &rest); number++)
    result = number == parser->line ? read_request_line(parser, line, draft, failure)
                                    : read_line(parser, number, line, draft, failure);
  return result;
}
