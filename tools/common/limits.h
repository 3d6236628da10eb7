/*
 * common/limits.h - bounds that several commands share, with their reasons.
 */
#ifndef WEIR_TOOLS_COMMON_LIMITS_H
#define WEIR_TOOLS_COMMON_LIMITS_H

enum {
  /* An option's name in messages. Untested: the longest, --no-rfc7540-priorities, has 24. */
  OPTION_NAME_BYTES = 40,
  /* A command's short options, for getopt(): a letter and a colon each. Untested: asserted. */
  OPTION_LETTERS_BYTES = 2 * 64,
  /* The name of a field given by --header. Arbitrary; no name in use is as long. */
  OPTION_FIELD_NAME_BYTES = 64,
};

/* Of rates: one a day, per second. Nobody waits longer. */
#define OPTION_RATE_MIN (1 / 86400.0)

#endif
