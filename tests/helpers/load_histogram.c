/*
 * helpers/load_histogram.c - records values in the histogram of `weir load`, for comparison with
 * HdrHistogram.
 *
 *     load_histogram LOG PERCENT... < VALUES
 *
 * VALUES are decimal numbers, one a line. Writes a HdrHistogram log with one interval to LOG, and
 * prints each percentile on a line of its own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tools/load/hdr_log.h"

int main(int argc, char **argv) {
  static struct load_histogram histogram;
  unsigned long long value;
  if (argc < 2) return 2;
  while (scanf("%llu", &value) == 1)
    load_histogram_add(&histogram, value);
  FILE *log = fopen(argv[1], "w");
  if (!log) return 1;
  load_hdr_log_begin(log, 1700000000123000000);
  bool good = load_hdr_log_add(log, NULL, 250000000, 1500000000, &histogram);
  for (int i = 2; i < argc; i++)
    printf("%llu\n",
           (unsigned long long)load_histogram_percentile(&histogram, strtod(argv[i], NULL)));
  return good && fclose(log) == 0 ? 0 : 1;
}
