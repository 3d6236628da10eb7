/*
 * report/html.h - results, and how they differ, as a page; see load/html.h.
 */
#ifndef WEIR_REPORT_HTML_H
#define WEIR_REPORT_HTML_H

#include "tools/report/compare.h"

/* `changes` may be NULL if there is one result. The caller owns the page. NULL: no memory. */
__attribute__((warn_unused_result)) json_t *report_html_page(const struct report_result *results,
                                                             const struct report_change *changes,
                                                             unsigned count, uint64_t seed);

#endif
