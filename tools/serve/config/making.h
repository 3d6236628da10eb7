/*
 * serve/config/making.h - where the making of a configuration stands, for functions that take its texts and
 * for those that check the whole.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_MAKING_H
#define WEIR_TOOLS_SERVE_CONFIG_MAKING_H

#include "tools/serve/config/config.h"

/* What is being made, and from which text. */
struct config_making {
  struct serve_config *config;
  struct serve_certificate *certificate; /* the part that is being made, if it is one, */
  struct serve_host *host;
  struct serve_route *route;
  const struct config_key *key; /* and what it is made of */
  const struct config_text *text;
  const struct config_part *part; /* where that stands, which may be one around what is made */
  const char *dashes; /* "--" on the command line, else "": before a key's name in messages */
  struct mistakes *mistakes;
  bool impossible; /* a mistake says what is well formed, but cannot be done */
};

/* The key's name where the texts come from: an option's, or that in a file. */
const char *config_making_name(const struct config_making *making, const struct config_key *key);

/* Adds a mistake about making->text, "KEY TEXT: ...". Returns false. */
__attribute__((format(printf, 2, 3))) bool config_wrong(struct config_making *making,
                                                        const char *format, ...);

#endif
