/*
 * load/parse_forms.h - reads requests from the file of -i, in one of four forms. Which one is seen from
 * the first bytes:
 *
 *     {"log": ...               HAR: log.entries[].request
 *     {...                      one JSON object a line, as vegeta reads them
 *     GET http://host/path      vegeta's http form
 *     http://host/path          one URL a line, as h2load reads them
 *
 * JSON objects have the members of vegeta: method, url, header (an object; each value is a text or
 * a list of texts) and body (base64). Ours are: body_text, body_file (a path), body_bytes (a body
 * of that many zeros), weight, and time_ns (when the request was made). `weir serve --record` also
 * writes protocol, scheme and authority, which are not used. Other members are mistakes.
 *
 * In the http form, a request line is followed by fields and by @FILE for a body; a blank line or
 * the next request line ends it. Lines that begin with # are comments there and among URLs.
 *
 * Owner: one thread. A draft is good until the next is read.
 */
#ifndef WEIR_LOAD_PARSE_FORMS_H
#define WEIR_LOAD_PARSE_FORMS_H

#include <jansson.h>

#include "tools/load/draft.h"
#include "tools/load/input.h"

struct load_parser {
  struct load_input *input;
  enum load_read (*next)(struct load_parser *parser, struct load_draft *draft,
                         const struct failure *failure);
  struct load_buffer text; /* what the draft refers to */
  json_t *json;            /* or this */
  bool found;              /* HAR: the list of entries has begun */
  uint64_t line;           /* where the draft begins */
};

/* ---- the forms, each in its file ------------------------------------------------------------------------------- */

__attribute__((warn_unused_result)) enum load_read
load_parse_url(struct load_parser *parser, struct load_draft *draft, const struct failure *failure);
__attribute__((warn_unused_result)) enum load_read load_parse_http(struct load_parser *parser,
                                                                   struct load_draft *draft,
                                                                   const struct failure *failure);
__attribute__((warn_unused_result)) enum load_read load_parse_json(struct load_parser *parser,
                                                                   struct load_draft *draft,
                                                                   const struct failure *failure);
__attribute__((warn_unused_result)) enum load_read
load_parse_har(struct load_parser *parser, struct load_draft *draft, const struct failure *failure);

/* Whether a line is a request line of the http form: capitals, then a space. */
__attribute__((warn_unused_result)) bool load_parse_is_request_line(struct span line);

#endif
