/*
 * http/date.c - IMF-fixdate out; IMF-fixdate, RFC 850 and asctime in; see http/date.h.
 */
#include "engine/http/date.h"

#include "engine/base/decimal.h"

enum { DAY_SECONDS = 86400 }; /* fixed by the calendar of HTTP, which has no leap seconds */

/* 0001-01-01 (a Monday) and 9999-12-31T23:59:59: what four digits of year can say. */
static const int64_t seconds_min = -62135596800, seconds_max = 253402300799;

static const char day_names[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
  int64_t year;
  unsigned month; /* 1 .. 12 */
  unsigned day;   /* 1 .. 31 */
  unsigned hour, minute, second;
};

/* ---- calendar ------------------------------------------------------------------------------- */

/* Years are counted from March, so that the leap day is the last of its year; an era is the 400
 * years, 146097 days, after which the Gregorian calendar repeats. 719468 days lie between
 * 0000-03-01 and 1970-01-01. */
enum { ERA_DAYS = 146097, EPOCH_DAYS = 719468 };

static int64_t days_of(int64_t year, unsigned month, unsigned day) {
  if (month <= 2) year--;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t month_from_march = (month + 9) % 12;
  int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

static struct civil civil_of(int64_t seconds) {
  int64_t days = seconds / DAY_SECONDS, rest = seconds % DAY_SECONDS;
  if (rest < 0) {
    rest += DAY_SECONDS;
    days--;
  }
  int64_t shifted = days + EPOCH_DAYS;
  int64_t era = (shifted >= 0 ? shifted : shifted - (ERA_DAYS - 1)) / ERA_DAYS;
  int64_t day_of_era = shifted - era * ERA_DAYS;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month_from_march = (5 * day_of_year + 2) / 153;
  unsigned month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  return (struct civil){
      .year = year_of_era + era * 400 + (month <= 2),
      .month = month,
      .day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
      .hour = (unsigned)(rest / 3600),
      .minute = (unsigned)(rest / 60 % 60),
      .second = (unsigned)(rest % 60),
  };
}

static unsigned month_days(int64_t year, unsigned month) {
  static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : days[month - 1];
}

static unsigned weekday_of(int64_t seconds) {
  int64_t days = (seconds - seconds_min) / DAY_SECONDS; /* since a Monday */
  return (unsigned)((days + 1) % 7);
}

/* ---- out ------------------------------------------------------------------------------------ */

static uint8_t *put_digits(uint8_t *out, unsigned value, unsigned count) {
  for (unsigned i = count; i-- > 0; value /= 10)
    out[i] = (uint8_t)('0' + value % 10);
  return out + count;
}

static uint8_t *put_text(uint8_t *out, const char *text, size_t len) {
  __builtin_memcpy(out, text, len);
  return out + len;
}

void http_date_format(int64_t unix_seconds, uint8_t out[HTTP_DATE_BYTES]) {
  if (unix_seconds < seconds_min) unix_seconds = seconds_min;
  if (unix_seconds > seconds_max) unix_seconds = seconds_max;
  struct civil civil = civil_of(unix_seconds);
  uint8_t *p = put_text(out, day_names[weekday_of(unix_seconds)], 3);
  p = put_text(p, ", ", 2);
  p = put_digits(p, civil.day, 2);
  p = put_text(p, " ", 1);
  p = put_text(p, month_names[civil.month - 1], 3);
  p = put_text(p, " ", 1);
  p = put_digits(p, (unsigned)civil.year, 4);
  p = put_text(p, " ", 1);
  p = put_digits(p, civil.hour, 2);
  p = put_text(p, ":", 1);
  p = put_digits(p, civil.minute, 2);
  p = put_text(p, ":", 1);
  p = put_digits(p, civil.second, 2);
  put_text(p, " GMT", 4);
}

/* ---- in ------------------------------------------------------------------------------------- */

/* A form is a pattern: each letter stands for a part of the date, all else for itself. */
static const char *const forms[] = {
    "w, d m Y t GMT", /* Sun, 06 Nov 1994 08:49:37 GMT */
    "W, d-m-y t GMT", /* Sunday, 06-Nov-94 08:49:37 GMT */
    "w m e t Y",      /* Sun Nov  6 08:49:37 1994 */
};

struct reader {
  struct span left;
  struct civil civil;
  bool short_year; /* civil.year has two digits */
};

static bool take_digits(struct reader *reader, unsigned count, unsigned *out) {
  uint64_t value;
  if (reader->left.len < count || !decimal_get(span_of(reader->left.base, count), &value))
    return false;
  reader->left = span_of(reader->left.base + count, reader->left.len - count);
  *out = (unsigned)value;
  return true;
}

static bool take_bytes(struct reader *reader, const char *bytes, size_t len) {
  if (reader->left.len < len || __builtin_memcmp(reader->left.base, bytes, len) != 0) return false;
  reader->left = span_of(reader->left.base + len, reader->left.len - len);
  return true;
}

/* The name of a weekday, in full or its first three letters. */
static bool take_weekday(struct reader *reader, bool full) {
  for (unsigned i = 0; i < 7; i++)
    if (take_bytes(reader, day_names[i], full ? __builtin_strlen(day_names[i]) : 3)) return true;
  return false;
}

static bool take_month(struct reader *reader) {
  for (unsigned i = 0; i < 12; i++)
    if (take_bytes(reader, month_names[i], 3)) {
      reader->civil.month = i + 1;
      return true;
    }
  return false;
}

static bool take_year(struct reader *reader, unsigned digits) {
  unsigned year;
  if (!take_digits(reader, digits, &year)) return false;
  reader->civil.year = year;
  reader->short_year = digits == 2;
  return true;
}

static bool take_time(struct reader *reader) {
  return take_digits(reader, 2, &reader->civil.hour) && take_bytes(reader, ":", 1) &&
         take_digits(reader, 2, &reader->civil.minute) && take_bytes(reader, ":", 1) &&
         take_digits(reader, 2, &reader->civil.second);
}

/* asctime pads the day with a space. */
static bool take_padded_day(struct reader *reader) {
  if (take_bytes(reader, " ", 1)) return take_digits(reader, 1, &reader->civil.day);
  return take_digits(reader, 2, &reader->civil.day);
}

static bool take_part(struct reader *reader, char part) {
  switch (part) {
  case 'w': return take_weekday(reader, false);
  case 'W': return take_weekday(reader, true);
  case 'd': return take_digits(reader, 2, &reader->civil.day);
  case 'e': return take_padded_day(reader);
  case 'm': return take_month(reader);
  case 'y': return take_year(reader, 2);
  case 'Y': return take_year(reader, 4);
  case 't': return take_time(reader);
  default: return take_bytes(reader, &part, 1);
  }
}

static bool read_form(struct span text, const char *form, struct reader *reader) {
  *reader = (struct reader){.left = text};
  for (const char *part = form; *part; part++)
    if (!take_part(reader, *part)) return false;
  return reader->left.len == 0;
}

/* A date that exists; second 60 is a leap second (section 5.6.7). */
static bool exists(const struct civil *civil) {
  return civil->year >= 1 && civil->day >= 1 &&
         civil->day <= month_days(civil->year, civil->month) && civil->hour <= 23 &&
         civil->minute <= 59 && civil->second <= 60;
}

/* "a timestamp that appears to be more than 50 years in the future" is "the most recent year in the
 * past that had the same last two digits" (section 5.6.7). */
static int64_t full_year(int64_t two_digits, int64_t now_seconds) {
  int64_t latest = civil_of(now_seconds).year + 50;
  int64_t year = latest - latest % 100 + two_digits;
  return year > latest ? year - 100 : year;
}

static int64_t clamp(int64_t seconds) {
  if (seconds < seconds_min) return seconds_min;
  return seconds > seconds_max ? seconds_max : seconds;
}

bool http_date_parse(struct span text, int64_t now_seconds, int64_t *unix_seconds) {
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    struct reader reader;
    if (!read_form(text, forms[i], &reader)) continue;
    struct civil *civil = &reader.civil;
    if (reader.short_year) civil->year = full_year(civil->year, clamp(now_seconds));
    if (!exists(civil)) return false;
    *unix_seconds = days_of(civil->year, civil->month, civil->day) * DAY_SECONDS +
                    civil->hour * 3600 + civil->minute * 60 + civil->second;
    return true;
  }
  return false;
}
