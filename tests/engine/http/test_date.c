/*
 * http/test_date.c - HTTP dates out and in (RFC 9110 section 5.6.7), against the C library's
 * calendar and against rows.
 */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "engine/http/date.h"
#include "engine/http/headers.h"

static const int64_t now_2025 = 1750000000; /* 2025-06-15 */

static void assert_format(int64_t seconds, const char *expected) {
  uint8_t out[HTTP_DATE_BYTES + 1] = {0};
  http_date_format(seconds, out);
  assert_string_equal((char *)out, expected);
}

static void format_rows(void **state) {
  (void)state;
  assert_format(784111777, "Sun, 06 Nov 1994 08:49:37 GMT"); /* the example of section 5.6.7 */
  assert_format(0, "Thu, 01 Jan 1970 00:00:00 GMT");
  assert_format(-1, "Wed, 31 Dec 1969 23:59:59 GMT");
  assert_format(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
  assert_format(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
  assert_format(INT64_MIN, "Mon, 01 Jan 0001 00:00:00 GMT");
  assert_format(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
}

/* Every 7.3 days or so over 400 years: each day of the year, leap years and century years. */
static void agrees_with_the_c_library(void **state) {
  (void)state;
  for (int64_t t = -3000000000; t < 12000000000; t += 631237) {
    char expected[40];
    uint8_t out[HTTP_DATE_BYTES + 1] = {0};
    time_t seconds = (time_t)t;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    http_date_format(t, out);
    assert_string_equal((char *)out, expected);
    int64_t back = 0;
    assert_true(http_date_parse(span_of(out, HTTP_DATE_BYTES), now_2025, &back));
    assert_int_equal(back, t);
    strftime(expected, sizeof expected, "%a %b %e %H:%M:%S %Y", &tm);
    assert_true(http_date_parse(span_text(expected), now_2025, &back));
    assert_int_equal(back, t);
  }
}

struct row {
  const char *text;
  int64_t seconds; /* -1: refused */
};

static const struct row rows[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Sun Nov 16 08:49:37 1994", 784975777},
    {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777},  /* a wrong weekday: refusing helps no client */
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, /* a leap second */
    {"Thu, 29 Feb 1996 00:00:00 GMT", 825552000},
    {"Wednesday, 15-Jun-75 00:00:00 GMT", 3327782400}, /* 50 years ahead of now_2025: stays */
    {"Monday, 15-Jun-76 00:00:00 GMT", 203644800},     /* 51 years ahead: the past century */
    {"", -1},
    {"Sun, 06 Nov 1994 08:49:37", -1},
    {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
    {" Sun, 06 Nov 1994 08:49:37 GMT", -1},
    {"sun, 06 nov 1994 08:49:37 gmt", -1}, /* case-sensitive, section 5.6.7 */
    {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 Nov 94 08:49:37 GMT", -1},
    {"Sun, 06-Nov-94 08:49:37 GMT", -1},
    {"Sunday, 06-Nov-1994 08:49:37 GMT", -1},
    {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 31 Nov 1994 08:49:37 GMT", -1},
    {"Wed, 29 Feb 1995 08:49:37 GMT", -1},
    {"Thu, 29 Feb 1900 08:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
    {"Sun, 06 Nov 1994 08:60:00 GMT", -1},
    {"Sun, 06 Nov 1994 08:49:61 GMT", -1},
    {"Sun, 06 Nov 0000 08:49:37 GMT", -1},
    {"Sun, +6 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 08:49:3\0 GMT", -1},
    {"Sun Nov  6 08:49:37 1994 GMT", -1},
    {"784111777", -1},
};

static int64_t parse_or_refuse(const char *text, size_t len) {
  int64_t seconds = -1;
  return http_date_parse(span_of(text, len), now_2025, &seconds) ? seconds : -1;
}

static void parse_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (parse_or_refuse(rows[i].text, strlen(rows[i].text)) != rows[i].seconds)
      fail_msg("%s", rows[i].text);
  }
}

/* Each row, and each of its prefixes, ends where the next byte would fault. */
static void parse_against_a_guard_page(void **state) {
  (void)state;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(pages != MAP_FAILED);
  assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t len = strlen(rows[i].text);
    for (size_t n = 0; n <= len; n++) {
      char *end = pages + page;
      memcpy(end - n, rows[i].text, n);
      int64_t got = parse_or_refuse(end - n, n);
      if (n < len && rows[i].seconds >= 0) assert_int_equal(got, -1);
    }
  }
  munmap(pages, 2 * page);
}

/* The sliding century of the two-digit year, at three points in time. */
static void two_digit_years(void **state) {
  (void)state;
  static const struct {
    int64_t now;
    const char *text, *means;
  } years[] = {
      {784111777, "Monday, 01-Jan-44 00:00:00 GMT", "Fri, 01 Jan 2044 00:00:00 GMT"},
      {784111777, "Monday, 01-Jan-45 00:00:00 GMT", "Mon, 01 Jan 1945 00:00:00 GMT"},
      {1750000000, "Monday, 01-Jan-99 00:00:00 GMT", "Fri, 01 Jan 1999 00:00:00 GMT"},
      {1750000000, "Monday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"},
      {3976214400, "Monday, 01-Jan-20 00:00:00 GMT", "Mon, 01 Jan 2120 00:00:00 GMT"},
  };
  for (size_t i = 0; i < sizeof years / sizeof years[0]; i++) {
    int64_t seconds = 0;
    assert_true(http_date_parse(span_text(years[i].text), years[i].now, &seconds));
    assert_format(seconds, years[i].means);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(format_rows),     cmocka_unit_test(agrees_with_the_c_library),
      cmocka_unit_test(parse_rows),      cmocka_unit_test(parse_against_a_guard_page),
      cmocka_unit_test(two_digit_years),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
