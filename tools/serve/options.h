/*
 * serve/options.h - the command line of `weir serve`.
 */
#ifndef WEIR_TOOLS_SERVE_OPTIONS_H
#define WEIR_TOOLS_SERVE_OPTIONS_H

#include "tools/common/options.h"
#include "tools/serve/config/config.h"

struct serve_options {
  struct serve_config *config; /* what the options say; the caller's reference. NULL with a file */
  const char *file;            /* of the configuration, or NULL */
  bool check;                  /* only say whether the configuration can be used */
  bool print;                  /* only print it */
};

/* Reads argv[1 ..]; see common/options.h. There is a configuration, or a file, if it returns OPTIONS_RUN. */
__attribute__((warn_unused_result)) enum options_result
serve_options_parse(struct serve_options *options, int argc, char **argv,
                    const struct failure *failure);

/* What --help prints. */
const char *serve_options_help(void);

#endif
