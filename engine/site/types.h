/*
 * site/types.h - the value of Content-Type for each file: by the site's rules, then by site/mime.h, with the
 * site's charset.
 *
 * A charset other than the table's needs texts of its own. They are made once for each type, and live as long as
 * the site: the files' ready-made fields refer to them.
 */
#ifndef WEIR_SITE_TYPES_H
#define WEIR_SITE_TYPES_H

#include "engine/base/memory.h"
#include "engine/site/rules.h"

struct site_types_text;

struct site_types {
  const struct memory *memory;
  const struct site_rules *rules;
  struct site_types_text *texts;
};

/* Keeps both. */
void site_types_init(struct site_types *types, const struct memory *memory,
                     const struct site_rules *rules);
void site_types_destroy(struct site_types *types);

/* The type of the file at `path`. Where memory is refused it is that of the table. */
struct span site_types_find(struct site_types *types, struct span path);

/* Whether a rule or the table knows the type. */
__attribute__((warn_unused_result)) bool site_types_know(const struct site_types *types,
                                                         struct span path);

#endif
