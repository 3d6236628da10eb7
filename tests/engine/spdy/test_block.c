/*
 * spdy/test_block.c - header blocks are read whole, byte by byte and in two pieces at every place, before a page
 * without access; what is malformed, too large or corrupt; and what the writer makes, as zlib itself reads it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engine/base/wire.h"
#include "engine/spdy/block.h"
#include "engine/spdy/dictionary.h"
#include "engine/spdy/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/guard.h"

enum { FIELDS = 600, LIST_BYTES = 4096, ARENA_BYTES = 64, ROOM = 1 << 18 };

static struct counted_memory memory;
static struct guard guard, scratch_guard;
static struct spdy_scratch scratch;
static struct spdy_block_reader reader;

/* The list of the last block, whose strings are in the scratch or the reader. */
static struct header fields[FIELDS];
static uint8_t arena[ARENA_BYTES];
static struct headers list;
static const char *reason;

static void begin(size_t list_bytes_max) {
  counted_init(&memory);
  scratch.bytes = SPDY_SCRATCH_BYTES(list_bytes_max);
  scratch.base = guard_room(&scratch_guard, scratch.bytes);
  spdy_block_reader_init(&reader, &memory.memory, &scratch, list_bytes_max);
}

static void end(void) {
  spdy_block_reader_destroy(&reader);
  assert_int_equal(memory.count, 0);
}

/* ---- a peer's zlib --------------------------------------------------------------------------- */

static z_stream peer;
static uint8_t packed[ROOM];

static void peer_begin(int level, struct span dictionary) {
  memset(&peer, 0, sizeof peer);
  assert_int_equal(deflateInit(&peer, level), Z_OK);
  if (dictionary.len)
    assert_int_equal(deflateSetDictionary(&peer, dictionary.base, (unsigned)dictionary.len), Z_OK);
}

/* The next block of the peer's stream. */
static struct span pack(struct span text, int flush) {
  peer.next_in = (uint8_t *)(uintptr_t)text.base;
  peer.avail_in = (unsigned)text.len;
  peer.next_out = packed;
  peer.avail_out = sizeof packed;
  int result = deflate(&peer, flush);
  assert_true(result == Z_OK || result == Z_STREAM_END);
  assert_int_equal(peer.avail_in, 0);
  assert_true(peer.avail_out > 0);
  return span_of(packed, sizeof packed - peer.avail_out);
}

static void peer_end(void) {
  (void)deflateEnd(&peer);
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum spdy_block_result read_piece(struct span bytes, bool last) {
  headers_init(&list, fields, FIELDS, arena, sizeof arena, reader.list_bytes_max);
  reason = NULL;
  enum spdy_block_result result =
      spdy_block_read(&reader, guard_put(&guard, bytes), last, &list, &reason);
  assert_true((reason != NULL) == (result >= SPDY_BLOCK_MALFORMED));
  return result;
}

/* Reads a block in pieces: `first` bytes, and then `step` at a time. */
static enum spdy_block_result read_block(struct span bytes, size_t first, size_t step) {
  enum spdy_block_result result = SPDY_BLOCK_MORE;
  for (size_t at = 0, len = first; result == SPDY_BLOCK_MORE; at += len, len = step) {
    if (len > bytes.len - at) len = bytes.len - at;
    result = read_piece(span_of(bytes.base + at, len), at + len == bytes.len);
    assert_true(result != SPDY_BLOCK_MORE || at + len < bytes.len);
  }
  return result;
}

/* The list as text: "name: value|name: value". */
static const char *list_text(void) {
  static char text[8 * LIST_BYTES];
  size_t len = 0;
  text[0] = 0;
  for (uint32_t i = 0; i < list.count; i++) {
    const struct header *field = &list.at[i];
    assert_int_equal(field->token, header_token_of(field->name));
    int put = snprintf(text + len, sizeof text - len, "%s%.*s: %.*s", i ? "|" : "",
                       (int)field->name.len, (const char *)field->name.base, (int)field->value.len,
                       (const char *)field->value.base);
    assert_true(put > 0 && (size_t)put < sizeof text - len);
    len += (size_t)put;
  }
  return text;
}

/* Sections 2.6.10 and 2.6.1. Numbers are written by hand, so that they can be wrong. */
#define BYTES(text) text, sizeof(text) - 1
#define N(number)   "\0\0\0" number
static const struct {
  const char *name;
  const char *block;
  size_t len;
  const char *text; /* NULL: malformed */
} rows[] = {
    {"no names", BYTES(N("\0")), ""},
    {"one", BYTES(N("\1") N("\1") "a" N("\2") "bc"), "a: bc"},
    {"an empty value", BYTES(N("\1") N("\1") "a" N("\0")), "a: "},
    {"two", BYTES(N("\2") N("\1") "a" N("\1") "b" N("\5") ":path" N("\1") "/"), "a: b|:path: /"},
    {"two values", BYTES(N("\1") N("\1") "a" N("\3") "b\0c"), "a: b|a: c"},
    {"three values", BYTES(N("\1") N("\6") "accept" N("\6") "b\0cd\0e"),
     "accept: b|accept: cd|accept: e"},
    {"the same value twice", BYTES(N("\1") N("\1") "a" N("\3") "b\0b"), "a: b|a: b"},
    {"names that begin alike", BYTES(N("\2") N("\1") "a" N("\1") "1" N("\2") "ab" N("\1") "2"),
     "a: 1|ab: 2"},
    {"NUL first", BYTES(N("\1") N("\1") "a" N("\2") "\0b"), NULL},
    {"NUL last", BYTES(N("\1") N("\1") "a" N("\2") "b\0"), NULL},
    {"NUL alone", BYTES(N("\1") N("\1") "a" N("\1") "\0"), NULL},
    {"two NULs in a row", BYTES(N("\1") N("\1") "a" N("\4") "b\0\0c"), NULL},
    {"an empty name", BYTES(N("\1") N("\0") N("\1") "b"), NULL},
    {"an upper-case name", BYTES(N("\1") N("\1") "A" N("\1") "b"), NULL},
    {"upper case within", BYTES(N("\1") N("\4") "hOst" N("\1") "b"), NULL},
    {"a name that is no token", BYTES(N("\1") N("\3") "a b" N("\1") "b"), NULL},
    {"a name with NUL", BYTES(N("\1") N("\3") "a\0b" N("\1") "b"), NULL},
    {"a name given twice", BYTES(N("\2") N("\1") "a" N("\1") "b" N("\1") "a" N("\1") "c"), NULL},
    {"fewer than it says", BYTES(N("\2") N("\1") "a" N("\1") "b"), NULL},
    {"more than it says", BYTES(N("\1") N("\1") "a" N("\1") "b" N("\1") "c" N("\1") "d"), NULL},
    {"none, but some follow", BYTES(N("\0") N("\1") "a" N("\1") "b"), NULL},
    {"the number is cut", BYTES("\0\0\0"), NULL},
    {"the number alone", BYTES(N("\1")), NULL},
    {"a name's length is cut", BYTES(N("\1") "\0\0"), NULL},
    {"a name is cut", BYTES(N("\1") N("\2") "a"), NULL},
    {"a value's length is cut",
     BYTES(N("\1") N("\1") "a"
                           "\0\0\0"),
     NULL},
    {"a value is cut", BYTES(N("\1") N("\1") "a" N("\2") "b"), NULL},
    {"a name of 2^32 - 1",
     BYTES(N("\1") "\377\377\377\377"
                   "a" N("\1") "b"),
     NULL},
    {"a value of 2^31",
     BYTES(N("\1") N("\1") "a"
                           "\200\0\0\0"
                           "b"),
     NULL},
};

static const char good[] = N("\1") N("\3") "key" N("\4") "good";

/* Each row, and then a good block of the same stream. */
static void read_row(size_t row, size_t first, size_t step) {
  begin(LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  struct span block = pack(span_of(rows[row].block, rows[row].len), Z_SYNC_FLUSH);
  enum spdy_block_result result =
      read_block(block, first < block.len ? first : block.len, step < block.len ? step : block.len);
  if (result != (rows[row].text ? SPDY_BLOCK_DONE : SPDY_BLOCK_MALFORMED))
    fail_msg("%s (%zu, then %zu): %d", rows[row].name, first, step, (int)result);
  if (rows[row].text) assert_string_equal(list_text(), rows[row].text);
  assert_false(list.overflowed);
  block = pack(span_of(good, sizeof good - 1), Z_SYNC_FLUSH);
  assert_int_equal(
      read_block(block, first < block.len ? first : block.len, step < block.len ? step : block.len),
      SPDY_BLOCK_DONE);
  assert_string_equal(list_text(), "key: good");
  peer_end();
  end();
}

static void test_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    read_row(i, ROOM, ROOM);
    read_row(i, 1, 1);
    for (size_t cut = 0; cut < 40; cut++)
      read_row(i, cut, ROOM);
  }
}

/* Bytes of values are judged, as HPACK's decoder does; section 2.6.10 allows all but NUL. */
static void test_value_flags(void **state) {
  (void)state;
  static const char block[] = N("\2") N("\1") "a" N("\3") "b\r\n" N("\1") "b" N("\1") "c";
  begin(LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  assert_int_equal(read_block(pack(span_of(block, sizeof block - 1), Z_SYNC_FLUSH), ROOM, ROOM),
                   SPDY_BLOCK_DONE);
  assert_int_equal(list.at[0].flags, HEADER_VALUE_BAD);
  assert_int_equal(list.at[1].flags, 0);
  peer_end();
  end();
}

/* Two sessions with one scratch, whose blocks arrive byte by byte in turns. */
static void test_shared_scratch(void **state) {
  (void)state;
  struct spdy_block_reader other;
  uint8_t copy[128];
  begin(LIST_BYTES);
  spdy_block_reader_init(&other, &memory.memory, &scratch, LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  struct span block = pack(span_of(good, sizeof good - 1), Z_SYNC_FLUSH);
  memcpy(copy, block.base, block.len);
  for (size_t i = 0; i < block.len; i++) {
    struct spdy_block_reader *readers[] = {&reader, &other};
    for (size_t r = 0; r < 2; r++) {
      bool last = i + 1 == block.len;
      headers_init(&list, fields, FIELDS, arena, sizeof arena, LIST_BYTES);
      assert_int_equal(spdy_block_read(readers[r], span_of(copy + i, 1), last, &list, &reason),
                       last ? SPDY_BLOCK_DONE : SPDY_BLOCK_MORE);
      if (last) assert_string_equal(list_text(), "key: good");
    }
  }
  peer_end();
  spdy_block_reader_destroy(&other);
  end();
}

/* ---- limits ---------------------------------------------------------------------------------- */

static uint8_t text[ROOM];

/* A block of `names` names, n0, n1, ..., the last of which has a value of `value` letters. */
static struct span make_block(uint32_t names, size_t value) {
  uint8_t *at = wire_put32(text, names);
  for (uint32_t i = 0; i < names; i++) {
    size_t len = i + 1 == names ? value : 1;
    int put = snprintf((char *)at + 4, 16, "n%03u", i);
    at = wire_put32(wire_put32(at, (uint32_t)put) + put, (uint32_t)len);
    memset(at, 'v', len);
    at += len;
  }
  return span_of(text, (size_t)(at - text));
}

/* The next block is read, with what it should be. */
static void expect_block(struct span block, enum spdy_block_result want, bool overflowed) {
  assert_int_equal(read_block(pack(block, Z_SYNC_FLUSH), ROOM, ROOM), want);
  if (want == SPDY_BLOCK_DONE) assert_int_equal(list.overflowed, overflowed);
}

/* The bounds of a list, each with one more; the stream stays true. */
static void check_list_bounds(size_t step) {
  static const struct {
    uint32_t names;
    size_t value;
    bool overflowed;
  } lists[] = {
      {1, LIST_BYTES - 36, false},         {1, LIST_BYTES - 35, true},
      {1, 2 * LIST_BYTES, true},           {SPDY_BLOCK_NAMES_MAX, 1, true}, /* of LIST_BYTES / 37 */
      {SPDY_BLOCK_NAMES_MAX + 1, 1, true},
  };
  begin(LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    struct span block = pack(make_block(lists[i].names, lists[i].value), Z_SYNC_FLUSH);
    assert_int_equal(read_block(block, step, step), SPDY_BLOCK_DONE);
    assert_int_equal(list.overflowed, lists[i].overflowed);
    block = pack(span_of(good, sizeof good - 1), Z_SYNC_FLUSH);
    assert_int_equal(read_block(block, step, step), SPDY_BLOCK_DONE);
    assert_string_equal(list_text(), "key: good");
  }
  peer_end();
  end();
}

static void test_list_bounds(void **state) {
  (void)state;
  check_list_bounds(ROOM);
  check_list_bounds(1);
  check_list_bounds(7);
}

static void test_names_bound(void **state) {
  (void)state;
  begin(16 * LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  expect_block(make_block(SPDY_BLOCK_NAMES_MAX, 1), SPDY_BLOCK_DONE, false);
  assert_int_equal(list.count, SPDY_BLOCK_NAMES_MAX);
  expect_block(make_block(SPDY_BLOCK_NAMES_MAX + 1, 1), SPDY_BLOCK_DONE, true);
  /* A number that is a lie is not believed; it says more than there may be. */
  memcpy(text, "\377\377\377\377", 4);
  expect_block(span_of(text, 4), SPDY_BLOCK_DONE, true);
  peer_end();
  end();
}

/* Values that share a name are fields: more than the list has room for overflow it. */
static void test_values_bound(void **state) {
  (void)state;
  begin(16 * LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  for (size_t values = FIELDS; values <= FIELDS + 1; values++) {
    struct span block = make_block(1, 2 * values - 1);
    for (size_t i = 0; i + 1 < values; i++)
      text[block.len - 2 - 2 * i] = 0;
    expect_block(block, SPDY_BLOCK_DONE, values > FIELDS);
    assert_int_equal(list.count, FIELDS);
  }
  peer_end();
  end();
}

/* A bomb: SPDY_BLOCK_STOP_FACTOR times what a list may have is read and thrown away; not much more. */
static void test_bomb(void **state) {
  (void)state;
  size_t most = SPDY_BLOCK_STOP_FACTOR * (LIST_BYTES + 4);
  begin(LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  expect_block(make_block(1, most - 16), SPDY_BLOCK_DONE, true);
  expect_block(make_block(1, most - 15), SPDY_BLOCK_TOO_LARGE, false);
  peer_end();
  end();
  /* Its memory is that of the scratch and of zlib, in pieces a little more. */
  begin(LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  struct span block = pack(make_block(1, ROOM - 100), Z_SYNC_FLUSH);
  assert_true(block.len < 1000);
  assert_int_equal(read_block(block, 1, 1), SPDY_BLOCK_TOO_LARGE);
  assert_true(memory.bytes_max < 50 * KIB + 2 * LIST_BYTES);
  peer_end();
  end();
}

/* A block that arrives in parts starts with SPDY_BLOCK_BYTES_FIRST, and grows to what it needs; once it is whole,
 * nothing is left of that. A block that arrives whole needs no memory. */
static void test_memory(void **state) {
  (void)state;
  begin(LIST_BYTES);
  peer_begin(Z_NO_COMPRESSION, spdy_dictionary);
  assert_int_equal(read_piece(pack(span_of(good, sizeof good - 1), Z_SYNC_FLUSH), true),
                   SPDY_BLOCK_DONE);
  size_t calls = memory.calls, bytes = memory.bytes;
  struct span block = pack(make_block(1, LIST_BYTES - 36), Z_SYNC_FLUSH);
  assert_int_equal(read_piece(span_of(block.base, 30), false), SPDY_BLOCK_MORE);
  assert_int_equal(memory.bytes, bytes + SPDY_BLOCK_BYTES_FIRST);
  assert_int_equal(read_piece(span_of(block.base + 30, block.len - 31), false), SPDY_BLOCK_MORE);
  assert_int_equal(memory.bytes, bytes + 4 * SPDY_BLOCK_BYTES_FIRST);
  assert_int_equal(read_piece(span_of(block.base + block.len - 1, 1), true), SPDY_BLOCK_DONE);
  assert_false(list.overflowed);
  assert_int_equal(memory.bytes, bytes);
  assert_int_equal(memory.calls, calls + 3);
  peer_end();
  end();
}

/* A scratch that is too small for a block makes it cost memory, and nothing else. */
static void test_small_scratch(void **state) {
  (void)state;
  begin(LIST_BYTES);
  scratch.bytes = 1;
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  for (size_t step = 1; step < 100; step += 7) {
    struct span block = pack(make_block(20, 1000), Z_SYNC_FLUSH);
    assert_int_equal(read_block(block, step, step), SPDY_BLOCK_DONE);
    assert_int_equal(list.count, 20);
    assert_false(list.overflowed);
  }
  peer_end();
  end();
}

/* Whichever allocation is refused, the result says so, and nothing is left. */
static void test_without_memory(void **state) {
  (void)state;
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  struct span block = pack(make_block(20, 2000), Z_SYNC_FLUSH);
  for (uint64_t at = 1;; at++) {
    begin(LIST_BYTES);
    memory.refuse_at = at;
    enum spdy_block_result result = read_block(block, 5, 5);
    bool refused = memory.calls >= at;
    assert_int_equal(result, refused ? SPDY_BLOCK_NO_MEMORY : SPDY_BLOCK_DONE);
    end();
    if (!refused) break;
    assert_true(at < 20);
  }
  peer_end();
}

/* ---- corrupt streams ------------------------------------------------------------------------- */

static void expect_corrupt(struct span bytes) {
  begin(LIST_BYTES);
  assert_int_equal(read_block(bytes, ROOM, ROOM), SPDY_BLOCK_CORRUPT);
  end();
  begin(LIST_BYTES);
  assert_int_equal(read_block(bytes, 1, 1), SPDY_BLOCK_CORRUPT);
  end();
}

static void test_corrupt(void **state) {
  (void)state;
  static const uint8_t no_zlib[] = {0, 0, 0, 1, 0, 0, 0, 1, 'a', 0, 0, 0, 1, 'b'};
  expect_corrupt(span_of(no_zlib, sizeof no_zlib));
  peer_begin(Z_DEFAULT_COMPRESSION, span_of("another dictionary", 18));
  expect_corrupt(pack(span_of(good, sizeof good - 1), Z_SYNC_FLUSH));
  peer_end();
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  expect_corrupt(pack(span_of(good, sizeof good - 1), Z_FINISH)); /* nothing could follow */
  peer_end();
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  struct span block = pack(span_of(good, sizeof good - 1), Z_SYNC_FLUSH);
  packed[6] |= 6; /* a block of the reserved type */
  expect_corrupt(block);
  peer_end();
}

/* A stream that does not use the dictionary is still one. */
static void test_without_dictionary(void **state) {
  (void)state;
  begin(LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, (struct span){0});
  expect_block(span_of(good, sizeof good - 1), SPDY_BLOCK_DONE, false);
  assert_string_equal(list_text(), "key: good");
  peer_end();
  end();
}

/* A block whose peer did not flush is cut short, and so is an empty one. */
static void test_truncated(void **state) {
  (void)state;
  begin(LIST_BYTES);
  peer_begin(Z_DEFAULT_COMPRESSION, spdy_dictionary);
  struct span block = pack(span_of(good, sizeof good - 1), Z_SYNC_FLUSH);
  assert_int_equal(read_block(span_of(block.base, block.len - 8), ROOM, ROOM),
                   SPDY_BLOCK_MALFORMED);
  assert_int_equal(read_piece((struct span){0}, true), SPDY_BLOCK_MALFORMED);
  peer_end();
  end();
}

/* ---- the dictionary -------------------------------------------------------------------------- */

static void test_dictionary(void **state) {
  (void)state;
  uint8_t bytes[2048];
  FILE *file = fopen("tests/vectors/spdy/dictionary.bin", "rb");
  assert_non_null(file);
  size_t len = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  assert_int_equal(len, spdy_dictionary.len);
  assert_memory_equal(bytes, spdy_dictionary.base, len);
  /* What other implementations put into the header of their streams. */
  assert_int_equal(adler32(1, bytes, (unsigned)len), 0xe3c6a7c2);
}

static int set_up(void **state) {
  (void)state;
  guard_init(&guard, ROOM);
  guard_init(&scratch_guard, ROOM);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  guard_destroy(&guard);
  guard_destroy(&scratch_guard);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),           cmocka_unit_test(test_value_flags),
      cmocka_unit_test(test_shared_scratch), cmocka_unit_test(test_list_bounds),
      cmocka_unit_test(test_names_bound),    cmocka_unit_test(test_values_bound),
      cmocka_unit_test(test_bomb),           cmocka_unit_test(test_memory),
      cmocka_unit_test(test_small_scratch),  cmocka_unit_test(test_without_memory),
      cmocka_unit_test(test_corrupt),        cmocka_unit_test(test_without_dictionary),
      cmocka_unit_test(test_truncated),      cmocka_unit_test(test_dictionary),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
