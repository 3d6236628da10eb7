/*
 * site/settings.h - what a site is made with.
 */
#ifndef WEIR_SITE_SETTINGS_H
#define WEIR_SITE_SETTINGS_H

#include "engine/base/pool.h"
#include "engine/site/hints.h"
#include "engine/site/rules.h"
#include "engine/site/source.h"

struct site_settings {
  const struct memory *memory; /* borrowed for the site's life */
  struct span prefix; /* normal form of the path at which the site's root lies; empty: of all paths.
                         Borrowed for the site's life; at most SITE_PATH_BYTES_MAX */
  struct site_source source;
  /* What pages preload; may be NULL; borrowed for the site's life. */
  const struct site_hints *hints;
  const struct site_rules *rules; /* NULL: site_rules_default; borrowed for the site's life */
  /* Value of that field on 200, 206 and 304, where no rule says another; empty: not sent. */
  struct span cache_control;
  const int64_t *wall_seconds; /* seconds since 1970, kept current by the host; NULL: unknown. Only
                                  decides whether a date is a strong validator */
  uint32_t exchanges_max;      /* responses at once; beyond it the answer is 503 */
  /* Made by source.ops->recode() of files that are worth it, 1 << enum coding. */
  unsigned encodings;
  bool push; /* promise preloads to clients that take promises */
};

#endif
