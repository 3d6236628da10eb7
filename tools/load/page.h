/*
 * load/page.h - rows of a report on a page of 80 columns:
 *
 *     requests    20,000 started, 19,998 succeeded, 2 failed
 *     errors      2 requests: timed out
 *                 1 connection: the server closed the connection
 */
#ifndef WEIR_LOAD_PAGE_H
#define WEIR_LOAD_PAGE_H

#include <stdio.h>

/* Joins words that belong on one line; it is written as a space. */
#define LOAD_PAGE_JOINT "\1"

/* Writes one row. Long text goes on below. Control characters become '?'. */
__attribute__((format(printf, 3, 4))) void load_page_row(FILE *to, const char *name,
                                                         const char *format, ...);

/* Likewise, without a name and from the first column. */
__attribute__((format(printf, 2, 3))) void load_page_line(FILE *to, const char *format, ...);

#endif
