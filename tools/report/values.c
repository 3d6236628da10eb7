/*
 * report/values.c - see report/values.h.
 */
#include "tools/report/values.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

struct unit {
  double size;
  const char *name;
};

static const struct unit times[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
static const struct unit counts[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
enum { UNITS = 4 };

/* Three digits: 1.23, 12.3, 123. The smallest unit has no decimals if the value has none. */
static void scale(double value, const struct unit units[UNITS], const char *sign,
                  char text[REPORT_TEXT_BYTES]) {
  unsigned i = 0;
  while (i < UNITS - 1 && value < units[i].size * 0.9995)
    i++;
  double scaled = value / units[i].size;
  int decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  if (i == UNITS - 1 && scaled == floor(scaled)) decimals = 0;
  snprintf(text, REPORT_TEXT_BYTES, "%s%.*f%s", sign, decimals, scaled, units[i].name);
}

const char *report_time_text(double ns, char text[REPORT_TEXT_BYTES]) {
  scale(fabs(ns), times, ns < 0 ? "-" : "", text);
  return text;
}

const char *report_time_difference(double ns, char text[REPORT_TEXT_BYTES]) {
  scale(fabs(ns), times, ns < 0 ? "-" : ns > 0 ? "+" : "", text);
  return text;
}

const char *report_count_text(double count, char text[REPORT_TEXT_BYTES]) {
  scale(count, counts, "", text);
  return text;
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
