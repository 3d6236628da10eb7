/*
 * load/html_parts.h - the sources of the page in tools/report/page.*, embedded at build.
 */
#ifndef WEIR_LOAD_HTML_PARTS_H
#define WEIR_LOAD_HTML_PARTS_H

/* Each ends with NUL. */
extern const char load_html_template[], load_html_style[], load_html_script[];

#endif
