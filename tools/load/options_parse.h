/*
 * load/options_parse.h - parses the command line of `weir load`, by the tables of
 * load/options_rows.h.
 */
#ifndef WEIR_LOAD_OPTIONS_PARSE_H
#define WEIR_LOAD_OPTIONS_PARSE_H

#include "tools/load/options.h"

/* Reads argv[1 ..]; see common/options.h. OPTIONS_HELP leaves `topic` set for load_options_help(). */
__attribute__((warn_unused_result)) enum options_result
load_options_parse(struct load_options *options, int argc, char **argv,
                   const struct failure *failure);

#endif
