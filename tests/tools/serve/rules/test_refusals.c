/*
 * serve/rules/test_refusals.c - the reasons for 403 answers are reported once per path, in bounded
 * number, on lines of bounded length.
 */
#include "tools/serve/rules/refusals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/text.h"
#include "tests/support/cmocka.h"
#include "tools/serve/limits.h"

static char said[1 << 20];

/* The text that `tell` writes to standard output. */
static void capture(void (*tell)(void)) {
  char name[] = "/tmp/refusals-XXXXXX";
  int file = mkstemp(name), out = dup(STDOUT_FILENO);
  assert_true(file >= 0 && out >= 0);
  unlink(name);
  fflush(stdout);
  dup2(file, STDOUT_FILENO);
  tell();
  dup2(out, STDOUT_FILENO);
  close(out);
  ssize_t len = pread(file, said, sizeof said - 1, 0);
  assert_true(len >= 0);
  said[len] = 0;
  close(file);
}

static unsigned lines(void) {
  unsigned count = 0;
  for (const char *at = said; (at = strchr(at, '\n')); at++)
    count++;
  return count;
}

static void tell_twice(void) {
  refusals_tell(span_text("secret"), EACCES);
  refusals_tell(span_text("secret"), EACCES);
}

static void tell_long(void) {
  static char path[4 * SERVE_REFUSAL_BYTES_MAX];
  memset(path, '\n', sizeof path - 1);
  refusals_tell(span_text(path), EXDEV);
}

static void tell_many(void) {
  char path[32];
  for (unsigned i = 0; i < 2 * SERVE_REFUSALS_MAX; i++) {
    snprintf(path, sizeof path, "path-%u", i);
    refusals_tell(span_text(path), ELOOP);
  }
}

static void test_refusals(void **state) {
  (void)state;
  capture(tell_twice);
  assert_int_equal(lines(), 1);
  assert_non_null(strstr(said, "secret"));
  capture(tell_long);
  assert_int_equal(lines(), 1);
  assert_in_range(strlen(said), SERVE_REFUSAL_BYTES_MAX, SERVE_REFUSAL_BYTES_MAX + 100);
  capture(tell_many);
  assert_int_equal(lines(), SERVE_REFUSALS_MAX - 2 + 1); /* the last one says that it is the last */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
