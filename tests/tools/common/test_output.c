/*
 * common/test_output.c - texts that peers sent, before they are printed.
 */
#include <string.h>

#include "tests/support/cmocka.h"
#include "tools/common/output.h"

static void test_tame(void **state) {
  static const struct {
    const char *text, *tame;
  } rows[] = {
      {"", ""},
      {"plain ~", "plain ~"},
      {"a\x1b[31m\nb\x7f", "a?[31m?b?"},
      {"\xc2\x9b"
       "2J\xc2\x80\xc2\x9f",
       "??2J????"},                                         /* C1 */
      {"\xc2\xa0 \xc3\x9b \xc2", "\xc2\xa0 \xc3\x9b \xc2"}, /* other letters, and one that is cut */
      {"\xc2\x1b", "\xc2?"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[40];
    strcpy(text, rows[i].text);
    output_tame(text, strlen(text), '?');
    assert_string_equal(text, rows[i].tame);
  }
}

/* NUL is one of them; what is behind the length is left as it is. */
static void test_length(void **state) {
  char text[] = "a\0b\n";
  (void)state;
  output_tame(text, 3, ' ');
  assert_memory_equal(text, "a b\n", sizeof text);
}

int main(void) {
  static const struct CMUnitTest tests[] = {cmocka_unit_test(test_tame),
                                            cmocka_unit_test(test_length)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
