/*
 * h1/test_target.c - the four forms of a target, and the room for text that is not in it. Which are refused is in
 * bad_input.c.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "engine/h1/target.h"

static struct headers fields;
static uint8_t arena[64];
static struct h1_target target;

static struct h1_verdict read_target(const char *method, const char *text) {
  const struct h1_head head = {.method = span_text(method), .target = span_text(text), .minor = 1};
  return h1_target_read(&head, span_text("a:1"), &fields, &target);
}

static const struct {
  const char *method, *text;
  enum h1_form form;
  const char *scheme, *authority, *path;
} rows[] = {
    {"GET", "/b?c", H1_FORM_ORIGIN, "", "a:1", "/b?c"},
    {"GET", "http://A:1/b", H1_FORM_ABSOLUTE, "http", "A:1", "/b"},
    {"GET", "HTTPS://a:1", H1_FORM_ABSOLUTE, "https", "a:1", "/"},
    {"GET", "http://a:1?b", H1_FORM_ABSOLUTE, "http", "a:1", "/?b"},
    {"OPTIONS", "http://a:1", H1_FORM_ABSOLUTE, "http", "a:1", "*"},
    {"OPTIONS", "http://a:1/", H1_FORM_ABSOLUTE, "http", "a:1", "/"},
    {"OPTIONS", "*", H1_FORM_ASTERISK, "", "a:1", "*"},
    {"CONNECT", "a:1", H1_FORM_AUTHORITY, "", "a:1", ""},
};

static void test_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    headers_init(&fields, NULL, 0, arena, sizeof arena, SIZE_MAX);
    const struct h1_verdict verdict = read_target(rows[i].method, rows[i].text);
    if (verdict.outcome != H1_COMPLETE || target.form != rows[i].form ||
        !span_is(target.scheme, rows[i].scheme) || !span_is(target.authority, rows[i].authority) ||
        !span_is(target.path, rows[i].path))
      fail_msg("%s %s: form %d", rows[i].method, rows[i].text, (int)target.form);
  }
}

/* "/?b" is copied; nothing else is. */
static void test_room(void **state) {
  (void)state;
  headers_init(&fields, NULL, 0, arena, 3, SIZE_MAX);
  assert_int_equal(read_target("GET", "http://a:1/bcd").outcome, H1_COMPLETE);
  assert_int_equal(fields.arena_used, 0);
  assert_int_equal(read_target("GET", "http://a:1?b").outcome, H1_COMPLETE);
  assert_int_equal(fields.arena_used, 3);
  headers_init(&fields, NULL, 0, arena, 2, SIZE_MAX);
  const struct h1_verdict verdict = read_target("GET", "http://a:1?b");
  assert_int_equal(verdict.outcome, H1_REFUSED);
  assert_int_equal(verdict.status, 431);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forms),
      cmocka_unit_test(test_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
