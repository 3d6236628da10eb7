/*
 * common/limits.h - bounds of what several commands share, with their reasons.
 */
#ifndef WEIR_TOOLS_COMMON_LIMITS_H
#define WEIR_TOOLS_COMMON_LIMITS_H

enum {
  /* An option's name in messages. Untested: the longest, --no-rfc7540-priorities, has 24. */
  OPTION_NAME_BYTES = 40,
  /* The short options of a command, for getopt(): a letter and a colon for each. Untested: asserted. */
  OPTION_LETTERS_BYTES = 2 * 64,
  /* The name of a field given by --header. Arbitrary, beyond any that is in use. */
  OPTION_FIELD_NAME_BYTES = 64,
};

#endif
