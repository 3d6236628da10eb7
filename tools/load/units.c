/*
 * load/units.c - see load/units.h.
 */
#include "tools/load/units.h"

#include <stdio.h>

/* Writes `value`, which is below 1000 once rounded, with three digits at least. */
static void three_digits(double value, const char *unit, char text[LOAD_TEXT_BYTES]) {
  int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  snprintf(text, LOAD_TEXT_BYTES, "%.*f%s", decimals, value, unit);
}

const char *load_time_text(double ns, char text[LOAD_TEXT_BYTES]) {
  static const char *const units[] = {"ns", "us", "ms", "s"};
  unsigned unit = 0;
  for (; ns >= 999.5 && unit < 3; unit++)
    ns /= 1000;
  unsigned long long whole = (unsigned long long)ns;
  if (unit == 3 && whole >= 3600)
    snprintf(text, LOAD_TEXT_BYTES, "%lluh%02llum", whole / 3600, whole % 3600 / 60);
  else if (unit == 3 && whole >= 120)
    snprintf(text, LOAD_TEXT_BYTES, "%llum%02llus", whole / 60, whole % 60);
  else if (unit == 0)
    snprintf(text, LOAD_TEXT_BYTES, "%.0fns", ns);
  else
    three_digits(ns, units[unit], text);
  return text;
}

const char *load_bytes_text(double bytes, char text[LOAD_TEXT_BYTES]) {
  static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
  unsigned unit = 0;
  for (; bytes >= 999.5 && unit < 4; unit++)
    bytes /= 1000;
  if (unit == 0)
    snprintf(text, LOAD_TEXT_BYTES, "%.0fB", bytes);
  else
    three_digits(bytes, units[unit], text);
  return text;
}

const char *load_number_text(double number, char text[LOAD_TEXT_BYTES]) {
  static const char *const units[] = {"", "k", "M", "G"};
  unsigned unit = 0;
  if (number < 9999.5) {
    int decimals = number >= 99.95 || number == (double)(uint64_t)number ? 0
                   : number < 9.995                                      ? 2
                                                                         : 1;
    snprintf(text, LOAD_TEXT_BYTES, "%.*f", decimals, number);
    return text;
  }
  for (; number >= 999.5 && unit < 3; unit++)
    number /= 1000;
  three_digits(number, units[unit], text);
  return text;
}

const char *load_count_text(uint64_t count, char text[LOAD_TEXT_BYTES]) {
  char digits[LOAD_TEXT_BYTES];
  int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), out = 0;
  for (int i = 0; i < len; i++) {
    if (i > 0 && (len - i) % 3 == 0) text[out++] = ',';
    text[out++] = digits[i];
  }
  text[out] = 0;
  return text;
}
