/*
 * common/test_nearest.c - the word that was probably meant.
 */
#include "tests/support/cmocka.h"

#include <limits.h>
#include <string.h>

#include "tools/common/limits.h"
#include "tools/common/nearest.h"

static void test_distances(void **state) {
  static const struct {
    const char *a, *b;
    unsigned expected;
  } rows[] = {
      {"", "", 0},        {"", "abc", 3},           {"abc", "", 3},      {"path", "path", 0},
      {"path", "pth", 1}, {"path", "paths", 1},     {"path", "pahh", 1}, {"path", "paht", 1},
      {"ca", "abc", 3},   {"kitten", "sitting", 3},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (nearest_distance(rows[i].a, rows[i].b) != rows[i].expected)
      fail_msg("%s, %s: %u", rows[i].a, rows[i].b, nearest_distance(rows[i].a, rows[i].b));
}

static void test_long_words(void **state) {
  char word[NEAREST_BYTES_MAX + 2];
  (void)state;
  memset(word, 'a', sizeof word);
  word[NEAREST_BYTES_MAX] = 0;
  assert_int_equal(nearest_distance(word, ""), NEAREST_BYTES_MAX);
  assert_int_equal(nearest_distance("", word), NEAREST_BYTES_MAX);
  word[NEAREST_BYTES_MAX] = 'a';
  word[NEAREST_BYTES_MAX + 1] = 0;
  assert_true(nearest_distance(word, "") == UINT_MAX);
  assert_true(nearest_distance("", word) == UINT_MAX);
}

static void test_words(void **state) {
  static const char *const words[] = {"http", "https", "workers", "window", "weight"};
  static const struct {
    const char *word, *expected;
  } rows[] = {
      {"worker", "workers"}, {"htps", "https"}, {"htp", "http"}, {"weigth", "weight"},
      {"zz", NULL},          {"", NULL},        {"wdw", NULL},   {"windows", "window"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *got = nearest_word(rows[i].word, words, sizeof words / sizeof *words);
    if (!rows[i].expected) {
      if (got) fail_msg("%s: %s", rows[i].word, got);
    } else if (!got || strcmp(got, rows[i].expected) != 0) {
      fail_msg("%s: %s", rows[i].word, got ? got : "none");
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_distances),
      cmocka_unit_test(test_long_words),
      cmocka_unit_test(test_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
