/*
 * h1/test_scan.c - the vector scanners give the same results as their plain twins: for every byte
 * at every place, random bytes, and text in which almost nothing stops the scan. All of it ends at
 * a guard page.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "engine/h1/scan.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"

enum { LEN_MAX = 150, ROUNDS = 20000 };

static struct guard guard;

static void check_finders(const uint8_t *at, const uint8_t *end) {
  assert_ptr_equal(h1_scan_text(at, end), h1_scan_text_plain(at, end));
  assert_ptr_equal(h1_scan_target(at, end), h1_scan_target_plain(at, end));
}

static void check_name(const uint8_t *at, const uint8_t *end) {
  uint8_t lower[H1_SCAN_NAME_BYTES], plain[H1_SCAN_NAME_BYTES];
  const size_t len = h1_scan_name(at, end, lower);
  assert_int_equal(len, h1_scan_name_plain(at, end, plain));
  assert_memory_equal(lower, plain, len);
}

static void check(struct span bytes) {
  const struct span put = guard_put(&guard, bytes);
  check_finders(put.base, put.base + put.len);
  check_name(put.base, put.base + put.len);
}

/* What the plain twins stop at, from the RFC and not from them. */
static void test_bytes(void **state) {
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++) {
    const uint8_t text[1] = {(uint8_t)byte};
    const bool control = (byte < 0x20 && byte != 0x09) || byte == 0x7f;
    const bool visible = byte > 0x20 && byte < 0x7f;
    assert_int_equal(h1_scan_text_plain(text, text + 1) - text, !control);
    assert_int_equal(h1_scan_target_plain(text, text + 1) - text, visible && byte != '#');
    uint8_t lower[H1_SCAN_NAME_BYTES];
    assert_int_equal(h1_scan_name_plain(text, text + 1, lower), byte != ':');
    if (byte >= 'A' && byte <= 'Z')
      assert_int_equal(lower[0], byte - 'A' + 'a');
    else if (byte != ':')
      assert_int_equal(lower[0], byte);
  }
}

/* Each byte at each place of a text of each length that vectors may cut in another way. */
static void test_places(void **state) {
  (void)state;
  uint8_t text[70];
  for (size_t len = 0; len <= sizeof text; len++) {
    for (size_t at = 0; at < len; at++) {
      for (unsigned byte = 0; byte < 256; byte++) {
        memset(text, 'a', sizeof text);
        text[at] = (uint8_t)byte;
        check(span_of(text, len));
      }
    }
  }
}

static void test_random(void **state) {
  (void)state;
  struct random random = {.state = 1};
  uint8_t text[LEN_MAX];
  for (int round = 0; round < ROUNDS; round++) {
    const size_t len = random_below(&random, LEN_MAX + 1);
    for (size_t i = 0; i < len; i++) {
      text[i] = (uint8_t)random_below(&random, 256);
      if (round % 4 > 0) text[i] = (uint8_t)(' ' + 1 + text[i] % 94); /* visible */
      if (round % 4 == 1 && text[i] == ':') text[i] = 'Z';
    }
    check(span_of(text, len));
  }
}

/* The bytes that are nearest to those that stop a scan, in runs. */
static void test_near(void **state) {
  (void)state;
  static const uint8_t near[] = {0x08, 0x09, 0x0a, 0x1f, 0x20, 0x21, '"', '#', '$',
                                 '9',  ':',  ';',  '@',  'A',  'Z',  '[', '`', 'a',
                                 'z',  '{',  0x7e, 0x7f, 0x80, 0x89, 0xff};
  struct random random = {.state = 2};
  uint8_t text[LEN_MAX];
  for (int round = 0; round < ROUNDS; round++) {
    const size_t len = random_below(&random, LEN_MAX + 1);
    const uint8_t fill = near[random_below(&random, sizeof near)];
    memset(text, fill, sizeof text);
    for (int i = 0; i < 3; i++)
      text[random_below(&random, LEN_MAX)] = near[random_below(&random, sizeof near)];
    check(span_of(text, len));
  }
}

static int make_guard(void **state) {
  (void)state;
  guard_init(&guard, LEN_MAX);
  return 0;
}

static int drop_guard(void **state) {
  (void)state;
  guard_destroy(&guard);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_places),
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_near),
  };
  return cmocka_run_group_tests(tests, make_guard, drop_guard);
}
