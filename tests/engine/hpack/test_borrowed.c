/*
 * hpack/test_borrowed.c - fields of a decoded list that lie in the dynamic table, when the same block
 * changes that table.
 */
#include "engine/hpack/decode.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fields.h"
#include "tests/support/hex.h"
#include "tests/support/random.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK_MAX = 8 * 1024, TEXT_MAX = 8 * 1024, FIELDS = 30, LIST_MAX = 128, ARENA = 64 * 1024 };

static struct counted_memory memory;
static struct hpack_decoder decoder;
static struct header fields[LIST_MAX];
static uint8_t arena[ARENA], block_bytes[BLOCK_MAX];
static struct headers list;
static char text[TEXT_MAX];

static size_t list_bytes_max = SIZE_MAX;

static void decode(const uint8_t *bytes, size_t len, size_t arena_bytes) {
  const char *reason;
  headers_init(&list, fields, LIST_MAX, arena, arena_bytes, list_bytes_max);
  assert_int_equal(hpack_decode(&decoder, span_of(bytes, len), &list, &reason), HPACK_OK);
}

static void assert_list(const char *expected) {
  fields_text(&list, text, sizeof text);
  assert_string_equal(text, expected);
}

static void begin(uint32_t table_bytes_max) {
  hpack_decoder_init(&decoder, counted_init(&memory));
  hpack_table_resize(&decoder.table, table_bytes_max);
}

static void end(void) {
  hpack_decoder_destroy(&decoder);
  assert_int_equal(memory.bytes, 0);
}

/* Values of the entries, newest first; the table as a list of lengths and letters. */
struct mirror {
  struct {
    uint8_t letter;
    size_t len;
  } at[64];
  size_t count, bytes_max;
};

static void mirror_insert(struct mirror *mirror, uint8_t letter, size_t len) {
  memmove(mirror->at + 1, mirror->at, sizeof mirror->at - sizeof *mirror->at);
  mirror->at[0].letter = letter;
  mirror->at[0].len = len;
  mirror->count++;
  size_t bytes = 0, fit = 0;
  while (fit < mirror->count &&
         (bytes += mirror->at[fit].len + 1 + HPACK_ENTRY_OVERHEAD) <= mirror->bytes_max)
    fit++;
  mirror->count = fit;
}

/* One block of fields that are inserted or taken from the table; `expected` gets the list's text. */
static size_t mirrored_block(struct random *chance, struct mirror *mirror, char *expected) {
  uint8_t *at = block_bytes;
  for (uint32_t left = random_below(chance, FIELDS); left > 0; left--) {
    uint32_t age = random_below(chance, (uint32_t)mirror->count + 1);
    if (age == mirror->count) { /* a new one: x, of up to 126 times the same letter */
      mirror_insert(mirror, (uint8_t)('a' + random_below(chance, 26)), random_below(chance, 127));
      at = mempcpy(at, "\x40\x01x", 3);
      *at++ = (uint8_t)mirror->at[0].len;
      memset(at, mirror->at[0].letter, mirror->at[0].len);
      at += mirror->at[0].len;
      age = 0;
    } else {
      *at++ = (uint8_t)(0x80 + HPACK_STATIC_COUNT + 1 + age);
    }
    expected += sprintf(expected, "x: ");
    memset(expected, mirror->at[age].letter, mirror->at[age].len);
    expected += mirror->at[age].len;
    expected += sprintf(expected, "\n");
  }
  *expected = '\0';
  return (size_t)(at - block_bytes);
}

/* Fields of a list keep their strings though the same block evicts their entries, makes the table grow, or
 * clears it. */
static void fields_outlast_their_entries(void **state) {
  (void)state;
  static char expected[TEXT_MAX];
  struct random chance = {.state = 1};
  for (int life = 0; life < 4000; life++) {
    struct mirror mirror = {.bytes_max = 40 + random_below(&chance, 1000)};
    begin((uint32_t)mirror.bytes_max);
    for (int blocks = 0; blocks < 4; blocks++) {
      decode(block_bytes, mirrored_block(&chance, &mirror, expected), sizeof arena);
      assert_int_equal(decoder.table.count, mirror.count);
      assert_list(expected);
    }
    end();
  }
}

static void decode_hex(const char *hex, size_t arena_bytes) {
  decode(block_bytes, hex_decode(hex, block_bytes, sizeof block_bytes), arena_bytes);
}

enum { NAME = 32 };

/* A literal of a name of NAME times `letter`, to be indexed, and with no value. */
static uint8_t *put_empty(uint8_t *at, char letter) {
  at = mempcpy(at, (uint8_t[]){0x40, NAME}, 2);
  memset(at, letter, NAME);
  at[NAME] = 0;
  return at + NAME + 1;
}

/* The name of a field without a value may be the last string of the table's ring. */
static void a_name_at_the_end_of_the_ring_outlasts_its_entry(void **state) {
  (void)state;
  const uint32_t ring = HPACK_STORE_BYTES_FIRST;
  static char expected[TEXT_MAX];
  begin(ring);
  uint8_t *at = block_bytes;
  for (uint32_t i = 0; i < ring / NAME; i++)
    at = put_empty(at, (char)('a' + i));
  decode(block_bytes, (size_t)(at - block_bytes), sizeof arena);
  assert_int_equal(decoder.table.capacity, ring);
  at = block_bytes;
  *at++ = 0x80 + HPACK_STATIC_COUNT + 1;
  for (uint32_t i = 0; i < ring / NAME; i++)
    at = put_empty(at, (char)('p' + i));
  decode(block_bytes, (size_t)(at - block_bytes), sizeof arena);
  memset(expected, 'a' + (int)(ring / NAME) - 1, NAME);
  fields_text(&list, text, sizeof text);
  assert_memory_equal(text, expected, NAME);
  end();
}

/* The same where the arena has no room for them: the fields before are kept. */
static void fields_lost_with_their_entries(void **state) {
  (void)state;
  begin(64);
  decode_hex("40017803616263", 0); /* x: abc */
  decode_hex("be 82 be 40017903646566", 4);
  assert_true(list.overflowed);
  assert_list("x: abc\n:method: GET\n");
  fields_text_of_table(&decoder.table, text, sizeof text);
  assert_string_equal(text, "y: def\n");
  end();
}

/* A field that the list has no room for is inserted as it came, where its insertion evicts one that the list has. */
static void a_dropped_field_keeps_its_strings(void **state) {
  (void)state;
  begin(64);
  decode_hex("40017803616263", sizeof arena); /* x: abc */
  list_bytes_max = 40;
  decode_hex("be 4001798390b2ff", sizeof arena); /* y: def, with Huffman code */
  list_bytes_max = SIZE_MAX;
  assert_true(list.overflowed);
  assert_list("x: abc\n");
  fields_text_of_table(&decoder.table, text, sizeof text);
  assert_string_equal(text, "y: def\n");
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_outlast_their_entries),
      cmocka_unit_test(a_name_at_the_end_of_the_ring_outlasts_its_entry),
      cmocka_unit_test(fields_lost_with_their_entries),
      cmocka_unit_test(a_dropped_field_keeps_its_strings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
