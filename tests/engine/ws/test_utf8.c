/*
 * ws/test_utf8.c - what is UTF-8 and what is not, from any pieces of it.
 */
#include <stdio.h>
#include <string.h>

#include "engine/ws/utf8.h"
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"

enum { BYTES_MAX = 256 };

static struct guard guard;

/* `valid`: how many octets are a valid beginning; the next one is refused. `whole`: the text may end
 * after them. */
static const struct {
  const char *name, *hex;
  int valid;
  bool whole;
} rows[] = {
    {"nothing", "", 0, true},
    {"ASCII", "48 65 6c 6c 6f", 5, true},
    {"NUL and DEL", "00 7f", 2, true},
    {"kosme in Greek", "ce ba e1 bd b9 cf 83 ce bc ce b5", 11, true},
    {"first of two octets, U+0080", "c2 80", 2, true},
    {"last of two octets, U+07FF", "df bf", 2, true},
    {"first of three octets, U+0800", "e0 a0 80", 3, true},
    {"before the surrogates, U+D7FF", "ed 9f bf", 3, true},
    {"after the surrogates, U+E000", "ee 80 80", 3, true},
    {"replacement character", "ef bf bd", 3, true},
    {"not a character, U+FFFE", "ef bf be", 3, true},
    {"not a character, U+FFFF", "ef bf bf", 3, true},
    {"first of four octets, U+10000", "f0 90 80 80", 4, true},
    {"last code point, U+10FFFF", "f4 8f bf bf", 4, true},
    {"between, U+40000", "f1 80 80 80", 4, true},
    {"a byte order mark", "ef bb bf 61", 4, true},

    {"above U+10FFFF", "f4 90 80 80", 1, false},
    {"far above", "f5 80 80 80", 0, true},
    {"five octets", "f8 88 80 80 80", 0, true},
    {"six octets", "fc 84 80 80 80 80", 0, true},
    {"fe", "fe", 0, true},
    {"ff", "61 ff", 1, true},
    {"overlong slash of two octets", "c0 af", 0, true},
    {"overlong, c1", "c1 bf", 0, true},
    {"overlong slash of three octets", "e0 80 af", 1, false},
    {"overlong of three octets, the last", "e0 9f bf", 1, false},
    {"overlong slash of four octets", "f0 80 80 af", 1, false},
    {"overlong of four octets, the last", "f0 8f bf bf", 1, false},
    {"overlong NUL", "c0 80", 0, true},
    {"high surrogate", "ed a0 80", 1, false},
    {"low surrogate", "ed bf bf", 1, false},
    {"pair of surrogates", "ed a1 8c ed be b4", 1, false},
    {"stray continuation", "80", 0, true},
    {"stray continuation, the last", "bf", 0, true},
    {"stray after a character", "c3 a9 a9", 2, true},
    {"character cut, two octets", "61 c3", 2, false},
    {"character cut, three octets", "e2 82", 2, false},
    {"character cut, four octets", "f0 9f 98", 3, false},
    {"ASCII within a character", "e2 82 61", 2, false},
    {"first octet within a character", "f0 9f c3 a9", 2, false},
    {"the public suite's text", "ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64", 12,
     false},
    {"long ASCII, then a character",
     "61616161616161616161616161616161616161616161616161616161616161616161616161616161e282ac", 43,
     true},
    {"long ASCII, then a stray octet",
     "6161616161616161616161616161616161616161616161616161616161616161616161616161616180", 40,
     true},
    {"a stray octet in the 40th place of ASCII on both sides",
     "61616161616161616161616161616161616161616161616161616161616161616161616161616180"
     "61616161616161616161616161616161616161616161616161616161616161616161616161616161",
     39, true},
    {"a character across the 32nd octet",
     "6161616161616161616161616161616161616161616161616161616161616161e2"
     "82ac61616161616161616161616161616161616161616161616161616161616161616161",
     69, true},
};

/* The number of octets that are taken one by one before one is refused. */
static int taken(const uint8_t *bytes, size_t len, bool *whole) {
  struct ws_utf8 state = {0};
  *whole = true;
  for (size_t i = 0; i < len; i++) {
    if (!ws_utf8(&state, guard_put(&guard, span_of(bytes + i, 1)))) return (int)i;
    *whole = ws_utf8_is_whole(&state);
  }
  return (int)len;
}

static void octet_by_octet(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t bytes[BYTES_MAX];
    size_t len = hex_decode(rows[i].hex, bytes, sizeof bytes);
    bool whole;
    int valid = taken(bytes, len, &whole);
    if (valid != rows[i].valid)
      fail_msg("%s: %d octets, not %d", rows[i].name, valid, rows[i].valid);
    if (whole != rows[i].whole) fail_msg("%s: whole is %d", rows[i].name, whole);
  }
}

/* In two pieces at every place, and every beginning of it; the portable twin says the same. */
static void in_pieces(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t bytes[BYTES_MAX];
    size_t len = hex_decode(rows[i].hex, bytes, sizeof bytes);
    for (size_t end = 0; end <= len; end++)
      for (size_t cut = 0; cut <= end; cut++) {
        struct ws_utf8 fast = {0}, slow = {0};
        bool expected = end <= (size_t)rows[i].valid;
        bool valid = ws_utf8(&fast, guard_put(&guard, span_of(bytes, cut))) &&
                     ws_utf8(&fast, guard_put(&guard, span_of(bytes + cut, end - cut)));
        if (valid != expected) fail_msg("%s: %zu octets, cut at %zu", rows[i].name, end, cut);
        assert_int_equal(ws_utf8_portable(&slow, span_of(bytes, end)), expected);
        if (valid) assert_int_equal(ws_utf8_is_whole(&fast), ws_utf8_is_whole(&slow));
      }
  }
}

static size_t encode(uint32_t code, uint8_t *out) {
  if (code < 0x80) return out[0] = (uint8_t)code, 1;
  size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static const uint8_t marks[] = {0, 0xc0, 0xe0, 0xf0};
  out[0] = (uint8_t)(marks[more] | code >> (6 * more));
  for (size_t i = 1; i <= more; i++)
    out[i] = (uint8_t)(0x80 | ((code >> (6 * (more - i))) & 0x3f));
  return more + 1;
}

/* Every code point, and beyond: valid are those up to U+10FFFF that are no surrogates. */
static void every_code_point(void **state) {
  (void)state;
  for (uint32_t code = 0; code < 0x120000; code++) {
    uint8_t bytes[4];
    size_t len = encode(code, bytes);
    struct ws_utf8 utf8 = {0};
    bool valid = ws_utf8(&utf8, span_of(bytes, len)) && ws_utf8_is_whole(&utf8);
    bool expected = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    if (valid != expected) fail_msg("U+%04X", (unsigned)code);
  }
}

/* Every two octets between letters, at changing places of a block: both twins agree. */
static void every_pair_at_every_place(void **state) {
  (void)state;
  for (unsigned pair = 0; pair < 0x10000; pair++) {
    uint8_t bytes[80];
    size_t at = pair % 70;
    memset(bytes, 'a', sizeof bytes);
    bytes[at] = (uint8_t)(pair >> 8);
    bytes[at + 1] = (uint8_t)pair;
    struct ws_utf8 fast = {0}, slow = {0};
    if (ws_utf8(&fast, span_of(bytes, sizeof bytes)) !=
        ws_utf8_portable(&slow, span_of(bytes, sizeof bytes)))
      fail_msg("%04x at %zu", pair, at);
  }
}

static int set_up(void **state) {
  (void)state;
  guard_init(&guard, BYTES_MAX);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  guard_destroy(&guard);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(octet_by_octet),
      cmocka_unit_test(in_pieces),
      cmocka_unit_test(every_code_point),
      cmocka_unit_test(every_pair_at_every_place),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
