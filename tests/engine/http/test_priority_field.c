/*
 * http/test_priority_field.c - every value of a `priority` field has a meaning (RFC 9218 sections
 * 4, 5 and 8; RFC 8941 section 4.2). Each row ends at a page that cannot be read.
 */
#include "engine/http/limits.h"
#include "tests/support/cmocka.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/http/priority_field.h"

static const struct row {
  const char *name, *value;
  unsigned urgency;
  bool incremental, has_urgency, has_incremental, malformed;
} rows[] = {
    {"RFC 9218 4: nothing said means the defaults", "", 3, 0, 0, 0, 0},
    {"RFC 9218 4.1: style sheet", "u=0", 0, 0, 1, 0, 0},
    {"RFC 9218 4.2: image", "u=5, i", 5, 1, 1, 1, 0},
    {"background", "u=7", 7, 0, 1, 0, 0},
    {"incremental alone", "i", 3, 1, 0, 1, 0},
    {"Firefox document", "u=0, i", 0, 1, 1, 1, 0},
    {"order does not matter", "i,u=2", 2, 1, 1, 1, 0},
    {"explicit true", "i=?1", 3, 1, 0, 1, 0},
    {"explicit false", "u=1, i=?0", 1, 0, 1, 1, 0},
    {"spaces around", "   u=1   ", 1, 0, 1, 0, 0},
    {"tabs between members", "u=1\t,\ti", 1, 1, 1, 1, 0},
    {"leading zeros are still an integer", "u=000000000000001", 1, 0, 1, 0, 0},
    {"minus zero", "u=-0", 0, 0, 1, 0, 0},

    {"RFC 9218 4: unknown members are ignored", "a=1, u=4, visible, x-y=\"q\"", 4, 0, 1, 0, 0},
    {"RFC 9218 4: unknown members of every type",
     "a=tok, b=\"s\\\"\\\\\", c=:aGk=:, d=?1, e=1.5, f=(1 \"a\" b;p=1);q, g=-3, *k=*t, u=6", 6, 0,
     1, 0, 0},
    {"RFC 9218 4: urgency out of range", "u=8, i", 3, 1, 0, 1, 0},
    {"RFC 9218 4: negative urgency", "u=-1", 3, 0, 0, 0, 0},
    {"RFC 9218 4: decimal urgency is another type", "u=1.0", 3, 0, 0, 0, 0},
    {"RFC 9218 4: urgency without value is a boolean", "u", 3, 0, 0, 0, 0},
    {"RFC 9218 4: token urgency", "u=high", 3, 0, 0, 0, 0},
    {"RFC 9218 4: string urgency", "u=\"1\"", 3, 0, 0, 0, 0},
    {"RFC 9218 4: list urgency", "u=(1)", 3, 0, 0, 0, 0},
    {"RFC 9218 4: integer incremental", "i=1", 3, 0, 0, 0, 0},
    {"parameters are read over", "u=2;a;b=1;c=\"x\", i;z=?0", 2, 1, 1, 1, 0},
    {"RFC 8941 4.2.2: the last of a name counts", "u=1, u=5", 5, 0, 1, 0, 0},
    {"the last of a name counts, though it is ignored", "u=1, u=9", 3, 0, 0, 0, 0},
    {"inner list with spaces", "a=(  1   2  ), u=1", 1, 0, 1, 0, 0},
    {"empty inner list", "a=(), u=1", 1, 0, 1, 0, 0},
    {"15 digits", "a=999999999999999, u=1", 1, 0, 1, 0, 0},

    {"16 digits", "u=1, a=9999999999999999", 3, 0, 0, 0, 1},
    {"trailing comma", "u=1,", 3, 0, 0, 0, 1},
    {"trailing comma and spaces", "u=1, ", 3, 0, 0, 0, 1},
    {"leading comma", ",u=1", 3, 0, 0, 0, 1},
    {"two commas", "u=1,,i", 3, 0, 0, 0, 1},
    {"no comma", "u=1 i", 3, 0, 0, 0, 1},
    {"semicolon at the end", "u=1;", 3, 0, 0, 0, 1},
    {"upper-case key", "U=1", 3, 0, 0, 0, 1},
    {"key that begins with a digit", "1u=1", 3, 0, 0, 0, 1},
    {"nothing behind the equals sign", "u=", 3, 0, 0, 0, 1},
    {"space behind the equals sign", "u= 1", 3, 0, 0, 0, 1},
    {"lone minus", "u=-", 3, 0, 0, 0, 1},
    {"point without decimals", "a=1.", 3, 0, 0, 0, 1},
    {"four decimals", "a=1.0000", 3, 0, 0, 0, 1},
    {"thirteen digits and a point", "a=1234567890123.0", 3, 0, 0, 0, 1},
    {"boolean that is neither", "i=?2", 3, 0, 0, 0, 1},
    {"question mark at the end", "i=?", 3, 0, 0, 0, 1},
    {"string without end", "a=\"x", 3, 0, 0, 0, 1},
    {"backslash at the end", "a=\"x\\", 3, 0, 0, 0, 1},
    {"string with another escape", "a=\"\\n\"", 3, 0, 0, 0, 1},
    {"byte sequence without end", "a=:aGk=", 3, 0, 0, 0, 1},
    {"inner list without end", "a=(1 2", 3, 0, 0, 0, 1},
    {"inner list without space", "a=(1\"b\")", 3, 0, 0, 0, 1},
    {"a list, not a dictionary", "1, 2", 3, 0, 0, 0, 1},
    {"control character", "u=1\x01", 3, 0, 0, 0, 1},
    {"high byte in a string", "a=\"\xff\"", 3, 0, 0, 0, 1},
    {"malformed behind what would have been valid", "u=0, i, %", 3, 0, 0, 0, 1},
    {"leading tab: only spaces may lead", "\tu=1", 3, 0, 0, 0, 1},
};

static struct {
  uint8_t *end; /* the byte here faults */
  size_t page;
} guard;

static int guard_make(void **state) {
  (void)state;
  guard.page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *map =
      mmap(NULL, 2 * guard.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return -1;
  guard.end = map + guard.page;
  return mprotect(guard.end, guard.page, PROT_NONE);
}

static int guard_free(void **state) {
  (void)state;
  return munmap(guard.end - guard.page, 2 * guard.page);
}

static struct span guarded(const char *text, size_t len) {
  memcpy(guard.end - len, text, len);
  return span_of(guard.end - len, len);
}

static void rows_mean_what_they_say(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct row *row = &rows[i];
    struct priority_field field = PRIORITY_FIELD_NONE;
    priority_field_parse(&field, guarded(row->value, strlen(row->value)));
    if (field.urgency != row->urgency || field.incremental != row->incremental ||
        field.has_urgency != row->has_urgency || field.has_incremental != row->has_incremental ||
        field.malformed != row->malformed)
      fail_msg("%s: `%s` gave u=%u(%d) i=%d(%d) malformed=%d", row->name, row->value, field.urgency,
               field.has_urgency, field.incremental, field.has_incremental, field.malformed);
  }
}

/* Cut anywhere, every row is still read, and no byte beyond its end. */
static void rows_cut_anywhere(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (size_t len = 0; len <= strlen(rows[i].value); len++) {
      struct priority_field field = PRIORITY_FIELD_NONE;
      priority_field_parse(&field, guarded(rows[i].value, len));
      assert_true(field.urgency <= PRIORITY_URGENCY_MAX);
      if (field.malformed) assert_false(field.has_urgency || field.has_incremental);
    }
  }
}

/* Random bytes of the alphabet that matters: any answer is fine, and no byte beyond is read. */
static void any_bytes_have_a_meaning(void **state) {
  (void)state;
  static const char alphabet[] = "ui=?01789,; \t\"\\:()*-.a%";
  uint32_t seed = 9218;
  for (int round = 0; round < 200000; round++) {
    char text[16];
    size_t len = (seed >> 3) % sizeof text;
    for (size_t i = 0; i < len; i++) {
      seed = seed * 1664525u + 1013904223u;
      text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
    }
    seed = seed * 1664525u + 1013904223u;
    struct priority_field field = PRIORITY_FIELD_NONE;
    priority_field_parse(&field, guarded(text, len));
    assert_true(field.urgency <= PRIORITY_URGENCY_MAX);
    assert_true(field.has_urgency || field.urgency == PRIORITY_URGENCY_DEFAULT);
    assert_true(field.has_incremental || !field.incremental);
  }
}

static void long_values_are_ignored(void **state) {
  (void)state;
  char text[PRIORITY_FIELD_BYTES_MAX + 1];
  memset(text, ' ', sizeof text);
  memcpy(text, "u=1", 3);
  struct priority_field field = PRIORITY_FIELD_NONE;
  priority_field_parse(&field, guarded(text, PRIORITY_FIELD_BYTES_MAX));
  assert_int_equal(field.urgency, 1);
  field = PRIORITY_FIELD_NONE;
  priority_field_parse(&field, guarded(text, sizeof text));
  assert_true(field.malformed);
  assert_int_equal(field.urgency, 3);
}

static struct priority_field parse(const char *text) {
  struct priority_field field = PRIORITY_FIELD_NONE;
  priority_field_parse(&field, span_of(text, strlen(text)));
  return field;
}

static void lines_make_one_dictionary(void **state) {
  (void)state;
  struct priority_field field = parse("u=5");
  priority_field_parse(&field, span_of("i, u=2", 6));
  assert_int_equal(field.urgency, 2);
  assert_true(field.incremental);
  priority_field_parse(&field, span_of("=", 1));
  assert_true(field.malformed);
  assert_int_equal(field.urgency, 3);
  priority_field_parse(&field, span_of("u=1", 3));
  assert_true(field.malformed);
}

static void written_values_read_back(void **state) {
  (void)state;
  for (uint8_t urgency = 0; urgency <= PRIORITY_URGENCY_MAX; urgency++) {
    for (int incremental = 0; incremental <= 1; incremental++) {
      uint8_t text[PRIORITY_FIELD_TEXT_MAX];
      struct priority_field field = PRIORITY_FIELD_NONE;
      size_t len = priority_field_write(text, urgency, incremental);
      assert_true(len <= sizeof text);
      priority_field_parse(&field, span_of(text, len));
      assert_false(field.malformed);
      assert_int_equal(field.urgency, urgency);
      assert_int_equal(field.incremental, incremental);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_mean_what_they_say),   cmocka_unit_test(rows_cut_anywhere),
      cmocka_unit_test(any_bytes_have_a_meaning),  cmocka_unit_test(long_values_are_ignored),
      cmocka_unit_test(lines_make_one_dictionary), cmocka_unit_test(written_values_read_back),
  };
  return cmocka_run_group_tests(tests, guard_make, guard_free);
}
