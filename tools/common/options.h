/*
 * common/options.h - parses a command line with getopt_long(). Options and operands may be mixed.
 *
 * Every command's table also lists --help with the code 'h' and --version with 'V'. Codes that are
 * letters are short options, too.
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
  OPTIONS_FAILED, /* exit 1, with one line in `failure`: well formed, but impossible */
};

struct options {
  void *out;                      /* the command's own struct, to read the options into */
  const struct failure *failure;  /* for the error text */
  char option[OPTION_NAME_BYTES]; /* the current one, as written: "-n", "--requests" */
  const char *value;              /* its value, or NULL; also that of --help */
  const char *next;               /* of a long option: the word after it, or NULL */
  bool impossible;                /* set by `take`: the failure is OPTIONS_FAILED */
  char **operands;                /* set by options_read() */
  int operand_count;
};

/* Parses argv[1 ..]; argv[0] is the command's name. May reorder argv and keeps its strings. `names`
 * ends with a row of zeros. `take` gets each option's code and value (or NULL), and returns false
 * after it has written the failure. */
__attribute__((warn_unused_result)) enum options_result
options_read(struct options *options, int argc, char **argv, const struct option *names,
             bool (*take)(struct options *options, int code, char *value));

/* Writes "OPTION VALUE: " and the text to the failure. Returns false. */
__attribute__((format(printf, 2, 3))) bool options_wrong(const struct options *options,
                                                         const char *format, ...);

/* Refuses a URL as the name of a file: the name was left out. */
__attribute__((warn_unused_result)) bool options_file(const struct options *options,
                                                      const char **out);

/* Parses the current value as decimal digits. */
__attribute__((warn_unused_result)) bool options_number(const struct options *options, uint64_t min,
                                                        uint64_t max, uint64_t *out);
__attribute__((warn_unused_result)) bool options_count(const struct options *options, unsigned min,
                                                       unsigned max, unsigned *out);

/* Parses the current value as a time from 1 us to 24 h; see option_seconds(). */
__attribute__((warn_unused_result)) bool options_seconds(const struct options *options,
                                                         double *out);

/* Parses the current value as a rate; see option_rate(). At least one a day; `max` is per second. */
__attribute__((warn_unused_result)) bool options_rate(const struct options *options, double max,
                                                      double *out);

/* Prints the help, the version or the failure. Returns the exit status. Not for OPTIONS_RUN. */
__attribute__((warn_unused_result)) int options_answer(enum options_result result,
                                                       const char *command, const char *help,
                                                       const struct failure *failure);

#endif
