/*
 * common/options.h - reads a command line by getopt_long(): options in any order, operands among
 * them.
 *
 * Every command also has -h, --help and -V, --version, as rows of its table with the codes 'h' and
 * 'V'. Codes that are letters are short options as well.
 */
#ifndef WEIR_TOOLS_OPTIONS_H
#define WEIR_TOOLS_OPTIONS_H

#include <getopt.h>
#include <stdint.h>

#include "tools/common/failure.h"
#include "tools/common/limits.h"

enum options_result {
  OPTIONS_RUN,
  OPTIONS_HELP,
  OPTIONS_VERSION,
  OPTIONS_WRONG,  /* exit 2, with one line in `failure` */
  OPTIONS_FAILED, /* exit 1, with one line in `failure`: it is well formed but cannot be */
};

struct options {
  void *out;                      /* what the options are read into; the command's own */
  const struct failure *failure;  /* where to say what is wrong */
  char option[OPTION_NAME_BYTES]; /* in hand, as it was written: "-n", "--requests" */
  const char *value;              /* its value, or NULL */
  bool impossible;                /* set with a failure: it is OPTIONS_FAILED */
  char **operands;                /* after options_read() */
  int operand_count;
};

/* Reads argv[1 ..]; argv[0] is the command's name. argv may be reordered, and its strings are kept.
 * `names` ends with a row of zeros. `take` gets each option's code and its value, or NULL; it returns
 * false after it has said what is wrong. */
__attribute__((warn_unused_result)) enum options_result
options_read(struct options *options, int argc, char **argv, const struct option *names,
             bool (*take)(struct options *options, int code, char *value));

/* "OPTION VALUE: " and the text. Returns false. */
__attribute__((format(printf, 2, 3))) bool options_wrong(const struct options *options,
                                                         const char *format, ...);

/* The value in hand as a number of nothing but digits. */
__attribute__((warn_unused_result)) bool options_number(const struct options *options, uint64_t min,
                                                        uint64_t max, uint64_t *out);
__attribute__((warn_unused_result)) bool options_count(const struct options *options, unsigned min,
                                                       unsigned max, unsigned *out);

/* The value in hand as a time from 1 ms to 24 h: seconds, or with a unit of ms, s, m or h. */
__attribute__((warn_unused_result)) bool options_seconds(const struct options *options,
                                                         double *out);

/* What there is to say about a result that is not OPTIONS_RUN. Returns the exit status. */
__attribute__((warn_unused_result)) int options_answer(enum options_result result,
                                                       const char *command, const char *help,
                                                       const struct failure *failure);

#endif
