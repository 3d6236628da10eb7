/*
 * report/limits.h - every bound of `weir report`, with its reason.
 */
#ifndef WEIR_REPORT_LIMITS_H
#define WEIR_REPORT_LIMITS_H

enum {
  /* Results in one command. Arbitrary: more machines than a load test has. Their differences are
   * computed for each. */
  REPORT_FILES_MAX = 1024,
  /* Results beside each other: a label of 12 columns and four of 17 fill 80. */
  REPORT_COLUMNS_MAX = 4,
  /* Resamples of one bootstrap. With 10,000 an interval's end is the 250th value from its side,
   * and repeats to about 2% of the interval. */
  REPORT_RESAMPLES = 10000,
  /* A terminal's line. */
  REPORT_LINE_COLUMNS = 80,
  /* Of a path, so that most of a line is left for the command. Arbitrary. */
  REPORT_PATH_COLUMNS = 28,
  /* "A" or "R1024", with NUL. Untested: the number of files has a bound. */
  REPORT_NAME_BYTES = 16,
  /* A time, rate or count as text: a sign before one of load/units.h. Untested: 64 bits have no longer text. */
  REPORT_TEXT_BYTES = 33,
};

#endif
