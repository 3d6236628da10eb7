/*
 * load/units.h - times, sizes and rates in few characters. Each function writes to `text` and returns
 * it.
 */
#ifndef WEIR_LOAD_UNITS_H
#define WEIR_LOAD_UNITS_H

#include <stdint.h>

#include "tools/load/limits.h"

/* Nanoseconds in three or four digits: "812ns", "82.4us", "3.71ms", "12.0s". Above two minutes: "2m05s",
 * "1h03m". */
const char *load_time_text(double ns, char text[LOAD_TEXT_BYTES]);

/* "0B", "512B", "1.45MB". */
const char *load_bytes_text(double bytes, char text[LOAD_TEXT_BYTES]);

/* A rate or a count with three or four digits: "0", "0.5", "12.5", "2000", "81.2k", "1.25M". */
const char *load_number_text(double number, char text[LOAD_TEXT_BYTES]);

/* What a noun ends with behind the count: nothing if it is one, else "s". */
static inline const char *load_plural(uint64_t count) {
  return count == 1 ? "" : "s";
}

/* All digits, in groups of three: "1,234,567". */
const char *load_count_text(uint64_t count, char text[LOAD_TEXT_BYTES]);

#endif
