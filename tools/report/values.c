/*
 * report/values.c - see report/values.h.
 */
#include "tools/report/values.h"

#include <math.h>
#include <stdio.h>

#include "tools/load/units.h"

_Static_assert((int)REPORT_TEXT_BYTES > (int)LOAD_TEXT_BYTES, "a sign and a time fit");

const char *report_time_text(double ns, char text[REPORT_TEXT_BYTES]) {
  text[0] = '-';
  load_time_text(fabs(ns), text + (ns < 0));
  return text;
}

const char *report_time_difference(double ns, char text[REPORT_TEXT_BYTES]) {
  text[0] = '+';
  return ns > 0 ? (load_time_text(ns, text + 1), text) : report_time_text(ns, text);
}

const char *report_count_text(double count, char text[REPORT_TEXT_BYTES]) {
  return load_number_text(count, text);
}

const char *report_share_text(double share, char text[REPORT_TEXT_BYTES]) {
  snprintf(text, REPORT_TEXT_BYTES, share > 0 && share < 0.0001 ? "<0.01%%" : "%.2f%%",
           share * 100);
  return text;
}

const char *report_change_text(double from, double to, char text[REPORT_TEXT_BYTES]) {
  double change = from > 0 ? to / from - 1 : 0, size = fabs(change);
  text[0] = 0;
  if (from == to)
    snprintf(text, REPORT_TEXT_BYTES, "=");
  else if (size >= 100)
    snprintf(text, REPORT_TEXT_BYTES, "x%.0f", change + 1);
  else if (from > 0)
    snprintf(text, REPORT_TEXT_BYTES, "%+.*f%%",
             size < 0.00995  ? 2
             : size < 0.0995 ? 1
                             : 0,
             change * 100);
  return text;
}
