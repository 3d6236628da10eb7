/*
 * base/test_pattern.c - patterns with stars.
 */
#include "engine/base/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "tests/support/cmocka.h"

static const struct {
  const char *pattern, *text;
  bool fold, expected;
} rows[] = {
    {"", "", false, true},
    {"", "a", false, false},
    {"a", "a", false, true},
    {"a", "A", false, false},
    {"a", "A", true, true},
    {"a", "ab", false, false},
    {"*", "", false, true},
    {"*", "any/thing", false, true},
    {"**", "x", false, true},
    {"*.css", "a.css", false, true},
    {"*.css", "a.css.br", false, false},
    {"*.css", ".css", false, true},
    {"/a/*", "/a/", false, true},
    {"/a/*", "/a", false, false},
    {"/a/*/c", "/a/b/b/c", false, true},
    {"a*b*c", "axxbxxbxc", false, true},
    {"a*b*c", "axxbxxbx", false, false},
    {"*aab", "aaab", false, true},
    {"*hero*", "/img/hero-1.jpg", false, true},
    {"a?c", "abc", false, false}, /* nothing else is special */
};

static void test_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (pattern_matches(span_text(rows[i].pattern), span_text(rows[i].text), rows[i].fold) !=
        rows[i].expected)
      fail_msg("%s against %s", rows[i].pattern, rows[i].text);
}

/* A backtracking matcher would not end. */
static void test_many_stars(void **state) {
  static char pattern[201], text[5001];
  (void)state;
  for (size_t i = 0; i < 200; i += 2)
    memcpy(pattern + i, "*a", 2);
  memset(text, 'a', 5000);
  assert_true(pattern_matches(span_text(pattern), span_text(text), false));
  pattern[199] = 'b';
  assert_false(pattern_matches(span_text(pattern), span_text(text), false));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                     cmocka_unit_test(test_many_stars)};
  return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
