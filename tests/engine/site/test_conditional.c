/*
 * site/test_conditional.c - preconditions (RFC 9110 section 13), and If-Range.
 */
#include "engine/http/limits.h"
#include "tests/support/cmocka.h"

#include <string.h>

#include "engine/site/conditional.h"

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACT  "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct validators ours = {
    .etag = {(const uint8_t *)"\"abc\"", 5},
    .modified_seconds = 784111777,
    .now_seconds = 1750000000,
};

struct condition_row {
  struct {
    enum header_token token;
    const char *value;
  } fields[3];
  const char *expected; /* go, 304 or 412 */
};

static const struct condition_row condition_rows[] = {
    {{{0}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "\"abc\""}}, "304"},
    {{{TOKEN_IF_NONE_MATCH, "W/\"abc\""}}, "304"}, /* weak comparison, section 13.1.2 */
    {{{TOKEN_IF_NONE_MATCH, "*"}}, "304"},
    {{{TOKEN_IF_NONE_MATCH, "\"x\", \"abc\""}}, "304"},
    {{{TOKEN_IF_NONE_MATCH, "\"x,\"abc\""}}, "go"}, /* the comma is inside of the first tag */
    {{{TOKEN_IF_NONE_MATCH, "\"x\""}, {TOKEN_IF_NONE_MATCH, "\"abc\""}}, "304"},
    {{{TOKEN_IF_NONE_MATCH, "\"x\""}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "abc"}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "w/\"abc\""}}, "go"}, /* W is case-sensitive, section 8.8.3 */
    {{{TOKEN_IF_NONE_MATCH, ""}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "W/"}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "W"}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "W*"}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "x/\"abc\""}}, "go"},
    {{{TOKEN_RANGE, "\"abc\""}, {TOKEN_IF_NONE_MATCH, "\"x\""}}, "go"}, /* another field's value */
    {{{TOKEN_IF_MODIFIED_SINCE, EXACT}}, "304"},
    {{{TOKEN_IF_MODIFIED_SINCE, AFTER}}, "304"},
    {{{TOKEN_IF_MODIFIED_SINCE, BEFORE}}, "go"},
    {{{TOKEN_IF_MODIFIED_SINCE, "yesterday"}}, "go"},
    {{{TOKEN_IF_MODIFIED_SINCE, AFTER}, {TOKEN_IF_MODIFIED_SINCE, AFTER}}, "go"},
    /* If-None-Match decides alone, section 13.1.3 */
    {{{TOKEN_IF_NONE_MATCH, "\"x\""}, {TOKEN_IF_MODIFIED_SINCE, AFTER}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "\"abc\""}, {TOKEN_IF_MODIFIED_SINCE, BEFORE}}, "304"},
    {{{TOKEN_IF_MATCH, "\"abc\""}}, "go"},
    {{{TOKEN_IF_MATCH, "*"}}, "go"},
    {{{TOKEN_IF_MATCH, "W/\"abc\""}}, "412"}, /* strong comparison, section 13.1.1 */
    {{{TOKEN_IF_MATCH, "\"x\""}}, "412"},
    {{{TOKEN_IF_MATCH, "\"x\",\"abc\""}}, "go"},
    {{{TOKEN_IF_MATCH, "\"abc\""}, {TOKEN_IF_NONE_MATCH, "\"abc\""}}, "304"},
    {{{TOKEN_IF_MATCH, "\"x\""}, {TOKEN_IF_NONE_MATCH, "\"abc\""}}, "412"},
    {{{TOKEN_IF_UNMODIFIED_SINCE, BEFORE}}, "412"},
    {{{TOKEN_IF_UNMODIFIED_SINCE, EXACT}}, "go"},
    {{{TOKEN_IF_UNMODIFIED_SINCE, AFTER}}, "go"},
    {{{TOKEN_IF_UNMODIFIED_SINCE, "never"}}, "go"},
    {{{TOKEN_IF_UNMODIFIED_SINCE, BEFORE}, {TOKEN_IF_UNMODIFIED_SINCE, BEFORE}}, "go"},
    /* If-Match decides alone, section 13.1.4 */
    {{{TOKEN_IF_MATCH, "\"abc\""}, {TOKEN_IF_UNMODIFIED_SINCE, BEFORE}}, "go"},
};

static struct headers list(const struct condition_row *row, struct header at[3]) {
  struct headers fields = {.at = at, .max = 3};
  for (int k = 0; k < 3 && row->fields[k].value; k++)
    at[fields.count++] = header_of(row->fields[k].token, span_text(row->fields[k].value));
  return fields;
}

static void preconditions(void **state) {
  (void)state;
  static const char *const results[] = {"go", "304", "412"};
  for (size_t i = 0; i < sizeof condition_rows / sizeof condition_rows[0]; i++) {
    const struct condition_row *row = &condition_rows[i];
    struct header at[3];
    struct headers fields = list(row, at);
    const char *got = results[conditional_evaluate(&fields, &ours)];
    if (strcmp(got, row->expected) != 0)
      fail_msg("row %zu: %s, expected %s", i, got, row->expected);
  }
}

/* FIELD_LIST_BYTES_MAX bytes of a list of tags are looked at. */
static void long_lists(void **state) {
  static char text[FIELD_LIST_BYTES_MAX + 2];
  const size_t tag = sizeof "\"abc\"" - 1;
  (void)state;
  for (int more = 0; more < 2; more++) {
    const size_t len = FIELD_LIST_BYTES_MAX + (size_t)more;
    memset(text, ',', len - tag);
    memcpy(text + len - tag, "\"abc\"", tag);
    struct header at[1] = {header_of(TOKEN_IF_NONE_MATCH, span_of(text, len))};
    struct headers fields = {.at = at, .count = 1, .max = 1};
    assert_int_equal(conditional_evaluate(&fields, &ours),
                     more ? CONDITIONAL_PROCEED : CONDITIONAL_NOT_MODIFIED);
    at[0].token = TOKEN_IF_MATCH;
    assert_int_equal(conditional_evaluate(&fields, &ours),
                     more ? CONDITIONAL_FAILED : CONDITIONAL_PROCEED);
  }
}

static bool if_range(const char *value, int64_t now_seconds) {
  struct header at[1] = {header_of(TOKEN_IF_RANGE, span_text(value))};
  struct headers fields = {.at = at, .count = 1, .max = 1};
  struct validators validators = ours;
  validators.now_seconds = now_seconds;
  return conditional_range_counts(&fields, &validators);
}

static void if_range_rows(void **state) {
  (void)state;
  const int64_t later = 1750000000;
  struct headers none = {0};
  assert_true(conditional_range_counts(&none, &ours));
  assert_true(if_range("\"abc\"", later));
  assert_false(if_range("W/\"abc\"", later)); /* section 13.1.5: strong comparison */
  assert_false(if_range("\"x\"", later));
  assert_false(if_range("abc", later));
  assert_false(if_range("", later));
  assert_false(if_range("\"", later));
  assert_false(if_range("W/", later));
  assert_true(if_range(EXACT, later));
  assert_true(if_range("Sunday, 06-Nov-94 08:49:37 GMT", later));
  assert_false(if_range(BEFORE, later)); /* exact match only */
  assert_false(if_range(AFTER, later));
  assert_false(if_range(EXACT, ours.modified_seconds)); /* the second is not over yet */
  assert_true(if_range(EXACT, ours.modified_seconds + 1));
  assert_false(if_range(EXACT, 0)); /* the time is unknown */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(preconditions),
      cmocka_unit_test(long_lists),
      cmocka_unit_test(if_range_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
