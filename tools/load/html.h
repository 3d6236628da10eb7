/*
 * load/html.h - results as one page with plots, which loads nothing else.
 *
 * The page is tools/report/page.html with page.css, page.js and this JSON object in it:
 *
 *   {"version", "method": text, "results": [{"name": text, "result": RESULT}], "changes": [CHANGE]}
 *
 * RESULT is what `weir load --json` writes, but series and stages have percentiles instead of
 * histograms.
 * CHANGE is null, or {"p50": {"from_ns", "to_ns", "low_ns", "high_ns"}, ...}: how a result differs
 * from the first one. Without differences, `method` and `changes` are missing.
 */
#ifndef WEIR_LOAD_HTML_H
#define WEIR_LOAD_HTML_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "tools/load/result.h"

/* A page without results. The caller owns it. NULL: no memory. */
__attribute__((warn_unused_result)) json_t *load_html_page(void);

/* Adds a result, which stays the caller's, under `name`. False: no memory. */
__attribute__((warn_unused_result)) bool load_html_add(json_t *page, const char *name,
                                                       const json_t *result);

/* Writes the page. False: `to` has an error. */
__attribute__((warn_unused_result)) bool load_html_write(const json_t *page, FILE *to);

/* Writes the page of one run. False likewise, or no memory. */
__attribute__((warn_unused_result)) bool load_html_report(const struct load_report *report,
                                                          FILE *to);

#endif
