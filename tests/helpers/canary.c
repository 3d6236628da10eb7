/*
 * helpers/canary.c - fails in the way it is told, to prove to tests/run that failures are noticed:
 * a failed assertion, an access out of bounds, a leak, undefined arithmetic.
 */
#include "tests/support/cmocka.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void canary_passes(void **state) {
  (void)state;
  assert_int_equal(1, 1);
}

static void canary_fails(void **state) {
  (void)state;
  assert_int_equal(1, 2);
}

static int canary_assert(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(canary_passes),
                                     cmocka_unit_test(canary_fails)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Without its sanitizer, each of these would exit with 0. `argc` is 2, so that the compiler
 * cannot see what happens. */
static int canary_address(int argc) {
  volatile char *bytes = malloc((size_t)argc);
  bytes[argc] = 1;
  free((void *)bytes);
  return 0;
}

static int canary_leak(int argc) {
  void *volatile bytes = malloc((size_t)argc * 1000);
  bytes = NULL;
  return bytes != NULL;
}

static int canary_undefined(int argc) {
  volatile int sum = INT_MAX - 1;
  sum += argc;
  return sum > 0;
}

int main(int argc, char **argv) {
  const char *death = argc == 2 ? argv[1] : "";
  if (strcmp(death, "assert") == 0) return canary_assert();
  if (strcmp(death, "address") == 0) return canary_address(argc);
  if (strcmp(death, "leak") == 0) return canary_leak(argc);
  if (strcmp(death, "undefined") == 0) return canary_undefined(argc);
  return 0;
}
