/*
 * base/test_text.c - cutting and comparing text, and decimal numbers in it.
 */
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "tests/support/cmocka.h"

static void cutting(void **state) {
  (void)state;
  static const struct {
    const char *text, *before, *after, *before_last, *after_last; /* before NULL: it has no mark */
  } rows[] = {
      {"", NULL, NULL, NULL, NULL},      {"ab", NULL, NULL, NULL, NULL}, {"=", "", "", "", ""},
      {"a=b", "a", "b", "a", "b"},       {"=b", "", "b", "", "b"},       {"a=", "a", "", "a", ""},
      {"a=b=c", "a", "b=c", "a=b", "c"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct span text = span_text(rows[i].text), before = {0}, after = {0};
    assert_int_equal(span_cut(text, '=', &before, &after), rows[i].before != NULL);
    if (rows[i].before && !(span_is(before, rows[i].before) && span_is(after, rows[i].after)))
      fail_msg("%s: cut at the wrong place", rows[i].text);
    assert_int_equal(span_cut_last(text, '=', &before, &after), rows[i].before != NULL);
    if (rows[i].before &&
        !(span_is(before, rows[i].before_last) && span_is(after, rows[i].after_last)))
      fail_msg("%s: cut at the wrong last place", rows[i].text);
  }
  struct span before, after;
  assert_false(span_cut((struct span){0}, '=', &before, &after));
  assert_false(span_cut_last((struct span){0}, '=', &before, &after));
}

static void comparing(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    bool equal, equal_ignoring_case;
  } rows[] = {
      {"", "", true, true},           {"a", "", false, false},      {"a", "a", true, true},
      {"a", "A", false, true},        {"aZ", "Az", false, true},    {"a", "b", false, false},
      {"[", "{", false, false},       {"@", "`", false, false},     {"1", "\x11", false, false},
      {"\xc4", "\xe4", false, false}, {"abc", "abd", false, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (span_is(span_text(rows[i].a), rows[i].b) != rows[i].equal)
      fail_msg("%s and %s: not compared right", rows[i].a, rows[i].b);
    if (span_is_ignoring_case(span_text(rows[i].a), rows[i].b) != rows[i].equal_ignoring_case)
      fail_msg("%s and %s: not compared right without case", rows[i].a, rows[i].b);
  }
  assert_true(span_equal((struct span){0}, span_text("")));
  assert_true(span_equal_ignoring_case((struct span){0}, span_text("")));
}

/* One byte that differs, at each place of each length. */
static void same_bytes(void **state) {
  (void)state;
  uint8_t a[40] = {0}, b[40] = {0};
  for (size_t len = 0; len <= sizeof a; len++) {
    assert_true(text_same(a, b, len));
    for (size_t at = 0; at < sizeof a; at++) {
      b[at] = 1;
      assert_int_equal(text_same(a, b, len), at >= len);
      b[at] = 0;
    }
  }
}

static void hexadecimals(void **state) {
  (void)state;
  static const char digits[] = "0123456789abcdef";
  for (unsigned byte = 0; byte < 256; byte++) {
    const char *at = byte ? strchr(digits, text_lower((uint8_t)byte)) : NULL;
    assert_int_equal(text_hex_digit((uint8_t)byte), at ? (unsigned)(at - digits) : 16u);
  }
  assert_int_equal(text_escaped_byte(span_text("a%4fb"), 1), 'O');
  assert_int_equal(text_escaped_byte(span_text("%fF"), 0), 0xff);
  static const char *const others[] = {"%", "%4", "%4g", "%g4", "441", "%%41"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_int_equal(text_escaped_byte(span_text(others[i]), 0), -1);
}

static void decimals(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool good;
    uint64_t value;
  } rows[] = {
      {"0", true, 0},
      {"7", true, 7},
      {"007", true, 7},
      {"00000000000000000000000000000000000000001", true, 1},
      {"9999999999999999999999999999999999999999x", false, 0},
      {"65535", true, 65535},
      {"18446744073709551614", true, UINT64_MAX - 1},
      {"18446744073709551615", true, UINT64_MAX},
      {"18446744073709551616", true, UINT64_MAX}, /* saturates, here and below */
      {"28446744073709551616", true, UINT64_MAX},
      {"99999999999999999999999", true, UINT64_MAX},
      {"", false, 0},
      {"-1", false, 0},
      {"+1", false, 0},
      {" 1", false, 0},
      {"1 ", false, 0},
      {"1.", false, 0},
      {"1a", false, 0},
      {"/", false, 0},
      {":", false, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint64_t value = 42;
    if (decimal_get(span_text(rows[i].text), &value) != rows[i].good)
      fail_msg("\"%s\": %s", rows[i].text, rows[i].good ? "refused" : "taken");
    assert_int_equal(value, rows[i].good ? rows[i].value : 42);
  }
}

static void decimals_within_bounds(void **state) {
  (void)state;
  uint64_t value = 42;
  assert_false(decimal_within(span_text("4"), 5, 9, &value));
  assert_false(decimal_within(span_text("10"), 5, 9, &value));
  assert_false(decimal_within(span_text("18446744073709551621"), 5, 9, &value)); /* 2^64 + 5 */
  assert_false(decimal_within(span_text("x"), 0, 9, &value));
  assert_int_equal(value, 42);
  assert_true(decimal_within(span_text("5"), 5, 9, &value));
  assert_int_equal(value, 5);
  assert_true(decimal_within(span_text("9"), 5, 9, &value));
  assert_int_equal(value, 9);
}

static void decimals_are_written(void **state) {
  (void)state;
  static const struct {
    uint64_t value;
    const char *text;
  } rows[] = {
      {0, "0"}, {9, "9"}, {10, "10"}, {65535, "65535"}, {UINT64_MAX, "18446744073709551615"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t text[DECIMAL_BYTES_MAX];
    size_t len = decimal_put(text, rows[i].value);
    if (!span_is(span_of(text, len), rows[i].text)) fail_msg("%s", rows[i].text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cutting),
      cmocka_unit_test(comparing),
      cmocka_unit_test(same_bytes),
      cmocka_unit_test(hexadecimals),
      cmocka_unit_test(decimals),
      cmocka_unit_test(decimals_within_bounds),
      cmocka_unit_test(decimals_are_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
