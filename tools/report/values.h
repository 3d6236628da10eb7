/*
 * report/values.h - numbers as short texts, and differences of them. Times and counts read as those of
 * `weir load`: load/units.h.
 */
#ifndef WEIR_REPORT_VALUES_H
#define WEIR_REPORT_VALUES_H

#include "tools/report/limits.h"

/* "950ns", "1.50ms", "-2.00s". */
const char *report_time_text(double ns, char text[REPORT_TEXT_BYTES]);

/* "+1.50ms", "-20.0us", "0ns". */
const char *report_time_difference(double ns, char text[REPORT_TEXT_BYTES]);

/* "950", "4560", "12.3k", "4.56M". */
const char *report_count_text(double count, char text[REPORT_TEXT_BYTES]);

/* "0.10%". */
const char *report_share_text(double share, char text[REPORT_TEXT_BYTES]);

/* "+3.4%", "-50%", "=" if equal, "" if there is nothing to compare with. */
const char *report_change_text(double from, double to, char text[REPORT_TEXT_BYTES]);

#endif
