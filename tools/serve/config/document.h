/*
 * serve/config/document.h - a configuration as it was written: texts by key, in nested parts.
 *
 * The command line and a file both become a document; serve/config/make.h makes the configuration from it, and
 * serve/config/print.h writes it.
 *
 *     global -+- certificate ...
 *             +- host -+- route ...
 *             +- route ...              of the host "default"
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_DOCUMENT_H
#define WEIR_TOOLS_SERVE_CONFIG_DOCUMENT_H

#include "tools/common/arena.h"
#include "tools/common/mistakes.h"
#include "tools/serve/config/keys.h"

struct config_text {
  const char *text;
  struct place place;
  struct config_text *next;
};

/* What one key was given in one part. */
struct config_texts {
  const struct config_key *key;
  bool given; /* perhaps as an empty list */
  struct place place;
  struct config_text *first, *last;
  struct config_texts *next; /* of the part's next key */
};

struct config_part {
  enum config_scope scope;
  struct place place;
  struct config_part *parent;              /* NULL: global */
  struct config_part *first, *last, *next; /* parts within this one; the next one beside it */
  struct config_texts *values;             /* of keys that were given, in no order */
  bool strange; /* it has an unknown key, which may stand for a key that it lacks */
};

struct config_document {
  struct arena arena;
  struct config_part *global;
  unsigned parts;
};

/* False when memory was refused. Call config_document_free() in either case. */
__attribute__((warn_unused_result)) bool config_document_init(struct config_document *document);

void config_document_free(struct config_document *document);

/* A new part in `parent`; NULL when memory was refused or there are CONFIG_PARTS_MAX. */
__attribute__((warn_unused_result)) struct config_part *
config_document_add(struct config_document *document, struct config_part *parent,
                    enum config_scope scope, struct place place);

/* What the key has in the part itself; none if it was not given. */
const struct config_texts *config_document_own(const struct config_part *part,
                                               const struct config_key *key);

/* Takes away what the key has in the part. */
void config_document_clear(struct config_part *part, const struct config_key *key);

/* Appends a copy of `text` to what the key has in the part; NULL: none, an empty list. False when memory was
 * refused. */
__attribute__((warn_unused_result)) bool config_document_give(struct config_document *document,
                                                              struct config_part *part,
                                                              const struct config_key *key,
                                                              const char *text, struct place place);

/* Goes through what counts for the key in the part: its own texts, and what it inherits. `*part` is where
 * `text` stands; begin with NULL and the part itself. NULL after the last. */
const struct config_text *config_document_next(const struct config_key *key,
                                               const struct config_part **part,
                                               const struct config_text *text);

#endif
