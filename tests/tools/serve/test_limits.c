/*
 * serve/test_limits.c - the bounds of tools/serve/limits.h on the command line and on manifests:
 * the maximum is accepted, and one more is refused. test_demo.c tests those of the built-in site,
 * test_options.c and test_weight.c those of addresses and weights.
 */
#include "tests/support/cmocka.h"
#include "tools/serve/config/hints.h"
#include "tools/serve/limits.h"
#include "tools/serve/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct serve_options options;

/* A directory, and `option value` repeated a number of times. */
static bool is_taken(const char *option, const char *value, unsigned times) {
  static char *argv[2 * SERVE_PRELOADS_MAX + 9];
  static char name[] = "serve", directory[] = "dir";
  char error[256];
  const struct failure failure = {.text = error, .size = sizeof error};
  int argc = 0;
  argv[argc++] = name;
  argv[argc++] = directory;
  for (; times > 0; times--) {
    argv[argc++] = (char *)(uintptr_t)option;
    argv[argc++] = (char *)(uintptr_t)value;
  }
  argv[argc] = NULL;
  config_release(options.config);
  return serve_options_parse(&options, argc, argv, &failure) == OPTIONS_RUN;
}

static void test_options(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    char value[SERVE_FIELD_VALUE_BYTES_MAX + 2];
    assert_int_equal(is_taken("--preload", "/=/a", SERVE_PRELOADS_MAX + extra), !extra);
    snprintf(value, sizeof value, "%0*d", SERVE_FIELD_VALUE_BYTES_MAX + extra, 1);
    assert_int_equal(is_taken("--cache-control", value, 1), !extra);
  }
  assert_true(is_taken("--workers", "1", 1));
  assert_int_equal(options.config->drain_seconds, SERVE_DRAIN_SECONDS_DEFAULT);
  config_release(options.config);
  options.config = NULL;
}

/* A manifest of `count` pages. */
static bool has_pages(unsigned count) {
  char file[] = "/tmp/weir-pages-XXXXXX", error[256];
  const char *refused;
  const struct failure failure = {error, sizeof error};
  int fd = mkstemp(file);
  FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
  assert_non_null(to);
  for (unsigned i = 0; i < count; i++)
    fprintf(to, "%s\"/%u\": [\"/a.css\"]", i ? ", " : "{", i);
  fputs("}", to);
  assert_int_equal(fclose(to), 0);
  struct serve_hints *hints =
      serve_hints_create((struct span){0}, file, NULL, 0, &refused, &failure);
  unlink(file);
  serve_hints_free(hints);
  return hints;
}

static void test_pages(void **state) {
  (void)state;
  assert_true(has_pages(SERVE_PAGES_MAX));
  assert_false(has_pages(SERVE_PAGES_MAX + 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_pages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
