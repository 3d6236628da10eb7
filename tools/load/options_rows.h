/*
 * load/options_rows.h - the options of `weir load`, as tables: each family of options has a source
 * file with its table, its checks and its own page of help; see load/options_families.h.
 *
 * To add an option: a member in load/options.h, a row in its family, and a line in weir.1.
 */
#ifndef WEIR_LOAD_OPTIONS_ROWS_H
#define WEIR_LOAD_OPTIONS_ROWS_H

#include <stddef.h>

#include "tools/load/options.h"

enum load_option_kind {
  LOAD_OPTION_FLAG,
  LOAD_OPTION_COUNT,
  LOAD_OPTION_NUMBER,
  LOAD_OPTION_SECONDS,
  LOAD_OPTION_RATE,
  LOAD_OPTION_TEXT,
  LOAD_OPTION_FILE,
  LOAD_OPTION_TAKE,
  LOAD_OPTION_INSTEAD,
};

/* What a row does with its value. Use the macros below. */
struct load_option_action {
  enum load_option_kind kind;
  size_t offset; /* of the member of struct load_options */
  uint64_t min, max;
  bool (*take)(struct options *parser, struct load_options *options, char *value);
  const char *instead; /* why the option is refused, and what to use */
};

/* The offset of a member, which must have that type. */
#define LOAD_OPTION_AT(member, type)                                                               \
  (offsetof(struct load_options, member) +                                                         \
   0 * sizeof(char[_Generic(((struct load_options *)0)->member,                                    \
                            type : 1)])) /* NOLINT(bugprone-macro-parentheses) */

#define LOAD_FLAG(member)                                                                          \
  { .kind = LOAD_OPTION_FLAG, .offset = LOAD_OPTION_AT(member, bool) }
#define LOAD_COUNT(member, least, most)                                                            \
  {                                                                                                \
    .kind = LOAD_OPTION_COUNT, .offset = LOAD_OPTION_AT(member, unsigned), .min = (least),         \
    .max = (most)                                                                                  \
  }
#define LOAD_NUMBER(member, least, most)                                                           \
  {                                                                                                \
    .kind = LOAD_OPTION_NUMBER, .offset = LOAD_OPTION_AT(member, uint64_t), .min = (least),        \
    .max = (most)                                                                                  \
  }
/* A time; see options_seconds(). */
#define LOAD_SECONDS(member)                                                                       \
  { .kind = LOAD_OPTION_SECONDS, .offset = LOAD_OPTION_AT(member, double) }
/* A rate; see options_rate(). */
#define LOAD_RATE(member)                                                                          \
  { .kind = LOAD_OPTION_RATE, .offset = LOAD_OPTION_AT(member, double) }
/* The value itself, which the command line keeps. */
#define LOAD_TEXT(member)                                                                          \
  { .kind = LOAD_OPTION_TEXT, .offset = LOAD_OPTION_AT(member, const char *) }
/* The same for the name of a file; see options_file(). */
#define LOAD_FILE(member)                                                                          \
  { .kind = LOAD_OPTION_FILE, .offset = LOAD_OPTION_AT(member, const char *) }
/* Calls `function`, which returns false after it has called options_wrong() or failure_set(). */
#define LOAD_TAKE(function)                                                                        \
  { .kind = LOAD_OPTION_TAKE, .take = (function) }
/* Refuses the option with this text. */
#define LOAD_INSTEAD(text)                                                                         \
  { .kind = LOAD_OPTION_INSTEAD, .instead = (text) }

struct load_option {
  const char *name;  /* long, without dashes; "": none */
  char letter;       /* the short option, or 0 */
  const char *value; /* what --help calls it. NULL: takes no value. "[=NAME]": may have one */
  struct load_option_action action;
  const char *help; /* lines of at most 65 characters, without the last newline. NULL: not listed,
                       as a synonym of the row with the same letter, or refused */
};

struct load_option_family {
  const char *topic; /* for --help=TOPIC */
  const char *title; /* of its paragraph in --help; NULL: it has none */
  const struct load_option *options;
  size_t count;
  /* Checks that need the whole command line, and defaults that depend on it. May be NULL. Returns
   * false after failure_set(). */
  bool (*check)(struct load_options *options, const struct failure *failure);
  const char *more; /* what --help=TOPIC prints after the options; may be NULL */
};

#define LOAD_OPTIONS(table) .options = (table), .count = sizeof(table) / sizeof((table)[0])

extern const struct load_option_family load_options_shape;
extern const struct load_option_family load_options_request;
extern const struct load_option_family load_options_protocol;
extern const struct load_option_family load_options_connect;
extern const struct load_option_family load_options_tls;
extern const struct load_option_family load_options_flow;
extern const struct load_option_family load_options_output;
extern const struct load_option_family load_options_h2load;
extern const struct load_option_family load_options_others;

#endif
