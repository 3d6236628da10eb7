/*
 * load/parse.h - reads the requests of a file, whichever form it has; see load/parse_forms.h.
 */
#ifndef WEIR_LOAD_PARSE_H
#define WEIR_LOAD_PARSE_H

#include "tools/load/parse_forms.h"

/* Keeps `input`, which is at its beginning. */
void load_parser_init(struct load_parser *parser, struct load_input *input);
void load_parser_free(struct load_parser *parser);

__attribute__((warn_unused_result)) enum load_read load_parser_next(struct load_parser *parser,
                                                                    struct load_draft *draft,
                                                                    const struct failure *failure);

#endif
