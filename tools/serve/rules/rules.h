/*
 * serve/rules/rules.h - what one route says about its answers, besides what it serves: who is let in and how often, the
 * fields of responses, error pages, and what a directory's files are sent with.
 *
 * Made by serve/config/take_rules.h from the texts of a configuration; it lies in its arena, and never changes. All workers
 * share it.
 */
#ifndef WEIR_TOOLS_SERVE_RULES_RULES_H
#define WEIR_TOOLS_SERVE_RULES_RULES_H

#include "engine/http/error_pages.h"
#include "engine/http/field_rules.h"
#include "engine/site/rules.h"
#include "tools/common/arena.h"
#include "tools/common/mistakes.h"
#include "tools/serve/rules/access.h"
#include "tools/serve/rules/rate.h"

struct config_part;

/* A file that is shown in place of an error. */
struct serve_error_file {
  const char *path;
  struct place place; /* where it was written */
};

struct serve_rules {
  struct access_rules *access; /* NULL: all clients */
  struct rate_limit rate;      /* of requests of a client; interval_ns 0: none */

  struct site_rules site; /* of files; complete */

  struct field_rule *fields;
  const struct config_part **field_parts; /* where each was written */
  uint32_t field_count;
  struct error_page *pages;
  struct serve_error_file *page_files;
  uint32_t page_count;
  struct field_rules field_filter;
  struct error_pages page_filter;
  const struct answer_filter *filter; /* the first; NULL: none */
};

/* Whether a request has to pass them before its route's handler sees it. */
static inline bool serve_rules_are_asked(const struct serve_rules *rules) {
  return rules->access || rules->rate.interval_ns > 0 || rules->filter;
}

/* Reads the error pages into the arena. All that is wrong becomes a mistake; false when something is. */
__attribute__((warn_unused_result)) bool
serve_rules_load(struct serve_rules *rules, struct arena *arena, struct mistakes *mistakes);

#endif
