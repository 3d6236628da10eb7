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

  /* What an arena takes at once. Arbitrary. Untested: a larger object gets a chunk of its own. */
  ARENA_CHUNK_BYTES = 16 * 1024,

  /* Mistakes of one file that are told: a screenful. */
  MISTAKES_MAX = 20,
  MISTAKE_BYTES = 256,        /* of a mistake's text. Untested: a longer one is cut */
  MISTAKE_SOURCE_BYTES = 512, /* the file's name, with line and column. Untested: likewise */

  /* The names of ciphers that a user may give. Arbitrary; all that OpenSSL knows fit. Untested: nobody
   * names that many. */
  CIPHERS_BYTES = 4096,

  /* Keys of one YAML mapping: each is compared with those before it. */
  YAML_TREE_KEYS_MAX = 1024,

  /* A word that is corrected; keys and options are shorter. */
  NEAREST_BYTES_MAX = 40,
};

/* Of rates: one a day, per second. Nobody waits longer. */
#define OPTION_RATE_MIN (1 / 86400.0)

#endif
