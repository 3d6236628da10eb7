/*
 * site/hints.h - which pages need which other resources, so that the site can announce them early:
 * as `link: rel=preload` (in a 103 response and in the final one) and as server pushes.
 * Spec: RFC 8288 (link), RFC 8297 (103 Early Hints), RFC 9113 section 8.4 (push).
 *
 * The host fills the table once at start, from rules on its command line or from a manifest. It is
 * read-only afterwards, and all cores may share it.
 */
#ifndef WEIR_SITE_HINTS_H
#define WEIR_SITE_HINTS_H

#include "engine/http/headers.h"

struct site_preload {
  struct span path; /* absolute path, with query if any, in the form that a request carries it */
  struct span link; /* value of the link field: `</style.css>; rel=preload; as=style` */
  bool push;        /* whether this one may be pushed: same origin */
};

struct site_page {
  struct span path; /* normalised path of the page without leading slash: `index.html` */
  const struct site_preload *preloads;
  uint32_t preload_count; /* at most SITE_PRELOADS_MAX, their links SITE_PRELOAD_BYTES_MAX in all */
};

struct site_hints {
  const struct site_page *pages; /* sorted by path, bytewise; no path twice */
  uint32_t page_count;
};

/* The page's entry, or NULL. */
const struct site_page *site_hints_find(const struct site_hints *hints, struct span path);

#endif
