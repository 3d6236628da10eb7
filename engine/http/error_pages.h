/*
 * http/error_pages.h - a filter (http/answer_filter.h) that puts pages in place of the bodies of errors, by status.
 *
 * The status stays, and so do all fields but those about the body that is replaced. The pages are in memory. For HEAD
 * the protocol leaves the body away; Range means nothing to an error (RFC 9110 section 14.2).
 *
 * Owner: the one that makes the pages; they do not change while responses pass, and stay until the last body is
 * closed. All cores may share them, if they may share the memory.
 */
#ifndef WEIR_ERROR_PAGES_H
#define WEIR_ERROR_PAGES_H

#include "engine/base/memory.h"
#include "engine/http/answer_filter.h"

struct error_page {
  uint16_t status;   /* 400 .. 599 */
  struct span type;  /* the value of content-type */
  struct span bytes; /* perhaps none */
};

struct error_pages {
  struct answer_filter filter; /* first */
  const struct memory *memory; /* kept; of a few bytes for each page that is being sent */
  const struct error_page *at; /* kept; the first with a status counts */
  uint32_t count;
};

/* Makes the filter, which passes responses on to `next`. Where memory is refused, or there are more fields than
 * FIELD_RULES_FIELDS_MAX, the response passes as it is. */
void error_pages_init(struct error_pages *pages, const struct memory *memory,
                      const struct error_page *at, uint32_t count,
                      const struct answer_filter *next);

#endif
