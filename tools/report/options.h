/*
 * report/options.h - the command line of `weir report`.
 */
#ifndef WEIR_REPORT_OPTIONS_H
#define WEIR_REPORT_OPTIONS_H

#include "tools/common/options.h"

struct report_options {
  char **files;
  unsigned file_count; /* at least 1 */
  bool merge;          /* add the results up */
  bool force;          /* with merge: results of different options, too */
  const char *json;    /* with merge: where to write the sum, "-" for standard output; or NULL */
  const char *html;    /* a page instead of text, or NULL */
  uint64_t seed;       /* of the bootstrap */
  double slower;       /* --fail-if-slower, in percent; negative: not given */
};

/* Reads argv[1 ..]; see common/options.h. */
__attribute__((warn_unused_result)) enum options_result
report_options_parse(struct report_options *options, int argc, char **argv,
                     const struct failure *failure);

/* What --help prints. */
const char *report_options_help(void);

#endif
