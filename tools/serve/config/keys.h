/*
 * serve/config/keys.h - every setting of `weir serve`: its key in a file, its option on the command line.
 *
 * The table is what the reader, the command line, --print-config and the annotated example are made of. A new
 * setting is a row, a function that takes its text (serve/config/take.h) and a member of struct serve_config
 * or struct serve_route.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_KEYS_H
#define WEIR_TOOLS_SERVE_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

struct config_making;

/* Parts of a configuration, as a bit set: where a key may stand. */
enum config_scope { CONFIG_GLOBAL = 1, CONFIG_CERTIFICATE = 2, CONFIG_HOST = 4, CONFIG_ROUTE = 8 };

/* What a route has of a key that stands in its host or globally, too: nothing; that, unless it has its own;
 * its own first, then that. */
enum config_inherits { CONFIG_OWN, CONFIG_REPLACES, CONFIG_ADDS };

enum config_type {
  CONFIG_FLAG,  /* true or false; an option without a value, and with "no-" before it */
  CONFIG_COUNT, /* min .. max */
  CONFIG_TEXT,  /* any, but not empty */
  CONFIG_OTHER, /* what `take` understands */
};

struct config_key {
  const char *name;
  const char *option; /* NULL: the same */
  unsigned scopes;    /* one of CONFIG_ROUTE may stand wherever a route inherits from */
  enum config_inherits inherits;
  enum config_type type;
  bool many;      /* a list; the option may be repeated */
  bool live;      /* of a global key: another value counts without a restart */
  bool tls;       /* of a global key that is not live: counts from the first https on */
  bool automatic; /* a count may be "auto", which is 0 */
  /* Of NAME and VALUE in a text, which a file may then write as a mapping; or NULL. */
  const char *separator;
  unsigned min, max; /* of a count */
  unsigned actions;  /* of a route's key: bits 1 << enum serve_action to which it applies; 0: all */
  const char *standard; /* what is in force when it is not given, if a text says that; or NULL */
  /* Of a flag (bool), count (unsigned) or text (const char *) in its part's struct. */
  size_t offset;
  bool (*take)(struct config_making *making,
               const char *text); /* of CONFIG_OTHER; false: a mistake */
  const char *meaning;            /* one line, for the annotated example */
  const char *sample;             /* a value, for the same */
};

/* In serve/config/table.c. */
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* Lists of parts that a file nests. */
struct config_list {
  const char *name;
  enum config_scope scope; /* of the parts in it */
  unsigned parents;        /* where it may stand */
};
extern const struct config_list config_lists[];
extern const size_t config_list_count;

static inline const char *config_key_option(const struct config_key *key) {
  return key->option ? key->option : key->name;
}

#endif
