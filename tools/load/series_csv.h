/*
 * load/series_csv.h - --csv: the run second by second, as comma-separated values with a line of names
 * (RFC 4180, but lines end with LF). Times are in seconds; rows are those of `series` in
 * tools/load/SCHEMA.md.
 */
#ifndef WEIR_LOAD_SERIES_CSV_H
#define WEIR_LOAD_SERIES_CSV_H

#include <stdio.h>

#include "tools/load/result.h"

/* False when writing failed. */
__attribute__((warn_unused_result)) bool load_series_csv_write(const struct load_report *report,
                                                               FILE *to);

#endif
