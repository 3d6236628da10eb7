/*
 * site/test_range.c - Range in, Content-Range out (RFC 9110 section 14).
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "engine/http/headers.h"
#include "engine/site/range.h"

struct row {
  const char *value;
  uint64_t size;
  const char *expected; /* "first+count" of each, "whole" or "416" */
};

static const struct row rows[] = {
    {"bytes=0-0", 1000, "0+1"},
    {"bytes=0-499", 1000, "0+500"}, /* the examples of section 14.1.2 */
    {"bytes=500-999", 1000, "500+500"},
    {"bytes=-500", 1000, "500+500"},
    {"bytes=9500-", 10000, "9500+500"},
    {"bytes=0-", 1000, "0+1000"},
    {"bytes=999-", 1000, "999+1"},
    {"bytes=999-999", 1000, "999+1"},
    {"bytes=500-5000", 1000, "500+500"}, /* last-pos beyond the end: clipped */
    {"bytes=-5000", 1000, "0+1000"},     /* suffix longer than all: all */
    {"bytes=0-18446744073709551615", 1000, "0+1000"},
    {"bytes=0-99999999999999999999999999", 1000, "0+1000"},
    {"bytes=-99999999999999999999999999", 1000, "0+1000"},
    {"bytes=000001-000002", 1000, "1+2"},
    {"BYTES=1-2", 1000, "1+2"}, /* section 14.1: unit names without case */
    {"bytes= 1-2 ", 1000, "1+2"},
    {"bytes=1-2,", 1000, "1+2"}, /* empty list elements, section 5.6.1.2 */
    {"bytes=,,1-2", 1000, "1+2"},
    {"bytes=1000-", 1000, "416"},
    {"bytes=1000-1001", 1000, "416"},
    {"bytes=99999999999999999999999999-", 1000, "416"},
    {"bytes=-0", 1000, "416"},
    {"bytes=-0", 0, "416"},
    {"bytes=0-", 0, "416"},
    {"bytes=0-0", 0, "416"},
    {"bytes=-1", 0, "whole"},
    {"bytes=0-1,5-6", 1000, "0+2 5+2"}, /* several, in their order */
    {"bytes=0-1, -1", 1000, "0+2 999+1"},
    {"bytes=5-6,0-1", 1000, "5+2 0+2"},
    {"bytes=0-1,2-3", 1000, "0+2 2+2"},
    {"bytes=2-3,0-1", 1000, "2+2 0+2"},
    {"bytes=0-0,2000-,-1", 1000, "0+1 999+1"}, /* what can be satisfied */
    {"bytes=2000-,5-6", 1000, "5+2"},
    {"bytes=2000-,3000-", 1000, "416"},
    {"bytes=0-1,2-1", 1000, "whole"}, /* one is invalid */
    {"bytes=0-1,x", 1000, "whole"},
    {"bytes=0-5,5-6", 1000, "whole"}, /* they overlap: section 17.15 */
    {"bytes=5-6,0-5", 1000, "whole"},
    {"bytes=0-0,5-6,6-7", 1000, "whole"},
    {"bytes=0-,-1", 1000, "whole"},
    {"bytes=0-0,0-0", 1000, "whole"},
    {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15", 1000,
     "0+1 1+1 2+1 3+1 4+1 5+1 6+1 7+1 8+1 9+1 10+1 11+1 12+1 13+1 14+1 15+1"},
    {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16",
     1000, "whole"},              /* SITE_RANGES_MAX and one */
    {"bytes=2-1", 1000, "whole"}, /* invalid: ignored, section 14.1.1 */
    {"bytes=2000-1000", 1000, "whole"},
    {"bytes=", 1000, "whole"},
    {"bytes=-", 1000, "whole"},
    {"bytes=,", 1000, "whole"},
    {"bytes", 1000, "whole"},
    {"", 1000, "whole"},
    {"=0-1", 1000, "whole"},
    {"lines=0-1", 1000, "whole"},
    {"bytes:0-1", 1000, "whole"},
    {"bytes=a-b", 1000, "whole"},
    {"bytes=0x0-0x5", 1000, "whole"},
    {"bytes=+0-5", 1000, "whole"},
    {"bytes=0--5", 1000, "whole"},
    {"bytes=--5", 1000, "whole"},
    {"bytes=0-5-9", 1000, "whole"},
    {"bytes=1 -2", 1000, "whole"},
    {"bytes=5", 1000, "whole"},
    {"bytes=0-1;q=1", 1000, "whole"},
    {"bytes=\"0-1\"", 1000, "whole"},
    {"bytes=18446744073709551614-", UINT64_MAX, "18446744073709551614+1"},
};

enum { DESCRIBED_BYTES = 128 };

static void describe(struct span value, uint64_t size, char out[DESCRIBED_BYTES]) {
  struct range_set set;
  size_t len = 0;
  switch (range_parse(value, size, &set)) {
  case RANGE_WHOLE: strcpy(out, "whole"); break;
  case RANGE_UNSATISFIABLE: strcpy(out, "416"); break;
  case RANGE_PART:
    for (unsigned i = 0; i < set.count; i++)
      len += (size_t)snprintf(out + len, DESCRIBED_BYTES - len, "%s%llu+%llu", i ? " " : "",
                              (unsigned long long)set.at[i].first,
                              (unsigned long long)set.at[i].count);
    break;
  }
}

static void parse_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    /* An exact-size heap copy, so that a sanitizer sees one byte too many. */
    size_t len = strlen(rows[i].value);
    char *copy = malloc(len ? len : 1), got[DESCRIBED_BYTES];
    assert_non_null(copy);
    memcpy(copy, rows[i].value, len);
    describe(span_of(copy, len), rows[i].size, got);
    free(copy);
    if (strcmp(got, rows[i].expected) != 0)
      fail_msg("%s of %llu: %s, expected %s", rows[i].value, (unsigned long long)rows[i].size, got,
               rows[i].expected);
  }
}

/* With any numbers, a part lies within the representation. */
static void parts_lie_within(void **state) {
  (void)state;
  static const uint64_t sizes[] = {0, 1, 2, 3, 10, UINT64_MAX};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
    for (int first = -1; first < 12; first++)
      for (int last = -1; last < 12; last++) {
        char value[64] = "bytes=";
        if (first >= 0) sprintf(value + strlen(value), "%d", first);
        strcat(value, "-");
        if (last >= 0) sprintf(value + strlen(value), "%d", last);
        struct range_set set;
        if (range_parse(span_text(value), sizes[s], &set) != RANGE_PART) continue;
        assert_int_equal(set.count, 1);
        struct range range = set.at[0];
        assert_true(range.count >= 1);
        assert_true(range.first < sizes[s]);
        assert_true(range.count <= sizes[s] - range.first);
      }
}

static void format_rows(void **state) {
  (void)state;
  uint8_t out[RANGE_TEXT_BYTES_MAX];
  struct range range = {.first = 42, .count = 1192};
  size_t len = range_format(out, range, 1234);
  assert_true(span_is(span_of(out, len), "bytes 42-1233/1234"));
  len = range_format_unsatisfied(out, 47022);
  assert_true(span_is(span_of(out, len), "bytes */47022"));
  range = (struct range){.first = UINT64_MAX - 1, .count = 1};
  len = range_format(out, range, UINT64_MAX);
  assert_true(span_is(span_of(out, len),
                      "bytes 18446744073709551614-18446744073709551614/18446744073709551615"));
  assert_true(len <= sizeof out);
}

/* As many as are answered one by one, and one more. */
static void too_many(void **state) {
  (void)state;
  char text[32 * SITE_RANGES_MAX] = "bytes=";
  struct range_set set;
  for (unsigned i = 0; i <= SITE_RANGES_MAX; i++) {
    size_t len = strlen(text);
    snprintf(text + len, sizeof text - len, "%s%u-%u", i ? "," : "", 10 * i, 10 * i + 1);
    enum range_result expected = i < SITE_RANGES_MAX ? RANGE_PART : RANGE_WHOLE;
    assert_int_equal(range_parse(span_text(text), 100000, &set), expected);
    if (expected == RANGE_PART) assert_int_equal(set.count, i + 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parse_rows),
      cmocka_unit_test(too_many),
      cmocka_unit_test(parts_lie_within),
      cmocka_unit_test(format_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
