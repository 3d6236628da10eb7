/*
 * site/rules.h - what an operator says about the answers of one site: how long they may be cached, their types,
 * which file stands for a directory, and what is shown where nothing is.
 *
 * Owner: the host, which keeps the rules, with all their texts, for the site's life. All cores may share them.
 */
#ifndef WEIR_SITE_RULES_H
#define WEIR_SITE_RULES_H

#include "engine/base/machine.h"

/* A value of Cache-Control for files. The pattern (base/pattern.h) is compared with the file's path from the
 * site's root, if it begins with a slash; else with the last segment alone. */
struct site_cache_rule {
  struct span pattern; /* "*.css", or all below "/assets/" with a star behind it */
  struct span value;
};

struct site_type_rule {
  struct span extension; /* lower case, without the dot */
  struct span type;      /* text without a parameter gets the charset */
};

struct site_rules {
  const struct site_cache_rule *cache; /* the first match counts */
  uint32_t cache_count;
  /* These before those of site/mime.h; the first match counts. */
  const struct site_type_rule *types;
  uint32_t type_count;
  struct span charset; /* of text; empty: none is said. At most SITE_CHARSET_BYTES_MAX */
  /* Names of files that stand for their directory, the first that exists; without a slash, and at most
   * SITE_INDEX_BYTES_MAX. */
  const struct span *indexes;
  uint32_t index_count; /* at most SITE_INDEXES_MAX; 0: none does */
  /* The path (as struct site_path has it) of a file that answers, with 200, for a path where nothing is: the page
   * of an application that reads its own address. Not for a name whose type is known from its extension, because
   * a browser would take the page for the script that is missing. Empty: 404. */
  struct span fallback;
  bool listing; /* a directory without a file that stands for it is listed (site/listing.h) */
};

/* index.html stands for its directory, text is in UTF-8. */
extern const struct site_rules site_rules_default;

/* The value of Cache-Control for a file; `otherwise` where no rule matches. */
struct span site_rules_cache(const struct site_rules *rules, struct span path,
                             struct span otherwise);

/* The type that a rule gives; empty: none does. */
struct span site_rules_type(const struct site_rules *rules, struct span path);

#endif
