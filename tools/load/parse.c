/*
 * load/parse.c - tells the forms apart; see load/parse.h.
 */
#include "tools/load/parse.h"

/* ---- which form ------------------------------------------------------------------------------ */

static struct span skip_blanks(struct span text) {
  while (text.len > 0 && strchr(" \t\r\n", text.base[0]) && text.base[0])
    text = span_skip(text, 1);
  return text;
}

/* Blank lines and comments. */
static struct span skip_comments(struct span text) {
  struct span line;
  for (text = skip_blanks(text); text.len > 0 && text.base[0] == '#'; text = skip_blanks(text))
    if (!span_cut(text, '\n', &line, &text)) return (struct span){0};
  return text;
}

/* Finds the form from the text of the first request. False: it takes more bytes to tell. */
static bool tell(struct load_parser *parser, struct span text) {
  static const char key[] = "\"log\"";
  const size_t len = sizeof key - 1;
  text = skip_comments(text);
  if (text.len == 0) return false;
  if (text.base[0] != '{') {
    parser->next = load_parse_is_request_line(text) ? load_parse_http : load_parse_url;
    return memchr(text.base, ' ', text.len) || memchr(text.base, '\n', text.len);
  }
  text = skip_blanks(span_skip(text, 1));
  parser->next =
      text.len >= len && memcmp(text.base, key, len) == 0 ? load_parse_har : load_parse_json;
  return text.len >= len;
}

/* A pipe may give its first line long before the next, so no more is read than it takes. */
static enum load_read find_form(struct load_parser *parser, const struct failure *failure) {
  struct span text;
  size_t least = 3;
  parser->next = load_parse_url;
  for (;;) {
    enum load_read result = load_input_look(parser->input, least, &text, failure);
    if (result == LOAD_READ_WRONG) return result;
    if (result == LOAD_READ_END) return LOAD_READ_ONE;
    if (text.len >= 3 && memcmp(text.base, "\xef\xbb\xbf", 3) == 0) { /* UTF-8's mark */
      parser->input->at += 3;
      text = span_skip(text, 3);
    }
    if (tell(parser, text) || text.len < least) return LOAD_READ_ONE;
    least = text.len + 1;
  }
}

void load_parser_init(struct load_parser *parser, struct load_input *input) {
  *parser = (struct load_parser){.input = input};
}

void load_parser_free(struct load_parser *parser) {
  json_decref(parser->json);
  load_buffer_free(&parser->text);
}

enum load_read load_parser_next(struct load_parser *parser, struct load_draft *draft,
                                const struct failure *failure) {
  if (!parser->next) {
    enum load_read result = find_form(parser, failure);
    if (result != LOAD_READ_ONE) return result;
  }
  json_decref(parser->json);
  parser->json = NULL;
  parser->text.len = 0;
  load_draft_clear(draft);
  return parser->next(parser, draft, failure);
}
