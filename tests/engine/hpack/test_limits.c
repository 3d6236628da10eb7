/*
 * hpack/test_limits.c - the bounds of hpack/limits.h on integers, strings, size updates and
 * tables. Those on header lists are in engine/h2/test_limits.c.
 */
#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct counted_memory memory;
static struct hpack_decoder decoder;
static struct header field[2];
static uint8_t arena[64];

/* Decodes a block with a new decoder, into a list that has room for all that is tested here. */
static enum hpack_result decode(const uint8_t *block, size_t len) {
  struct headers list;
  const char *reason;
  headers_init(&list, field, 2, arena, sizeof arena, SIZE_MAX);
  hpack_decoder_init(&decoder, counted_init(&memory));
  enum hpack_result result = hpack_decode(&decoder, span_of(block, len), &list, &reason);
  hpack_decoder_destroy(&decoder);
  return result;
}

/* An integer of this many octets: 31, then zeros that add nothing. As a size update. */
static void test_integer_octets(void **state) {
  (void)state;
  for (size_t octets = HPACK_INTEGER_OCTETS_MAX; octets < HPACK_INTEGER_OCTETS_MAX + 3; octets++) {
    uint8_t block[HPACK_INTEGER_OCTETS_MAX + 3] = {0x3f};
    memset(block + 1, 0x80, octets - 2);
    block[octets - 1] = 0;
    assert_int_equal(decode(block, octets),
                     octets == HPACK_INTEGER_OCTETS_MAX ? HPACK_OK : HPACK_ERROR);
  }
}

/* A string of the greatest length that an integer can state: all of it is decoded. */
static void test_integer(void **state) {
  (void)state;
  uint8_t *block = calloc(1, HPACK_INTEGER_MAX + 16);
  for (uint32_t len = HPACK_INTEGER_MAX; len <= HPACK_INTEGER_MAX + 1; len++) {
    uint8_t *at = block;
    *at++ = 0x02; /* :method */
    *at++ = 0x7f;
    uint32_t rest = len - 127;
    for (; rest >= 128; rest >>= 7)
      *at++ = (uint8_t)(rest | 128);
    *at++ = (uint8_t)rest;
    enum hpack_result result = decode(block, (size_t)(at - block) + len);
    assert_int_equal(result, len == HPACK_INTEGER_MAX ? HPACK_OK : HPACK_ERROR);
    if (result == HPACK_OK) assert_int_equal(field[0].value.len, len);
  }
  free(block);
}

static void test_size_updates(void **state) {
  (void)state;
  uint8_t block[HPACK_SIZE_UPDATES_MAX + 2];
  memset(block, 0x20, sizeof block);
  for (size_t updates = 0; updates <= HPACK_SIZE_UPDATES_MAX + 1; updates++) {
    block[updates] = 0x82;
    assert_int_equal(decode(block, updates + 1),
                     updates <= HPACK_SIZE_UPDATES_MAX ? HPACK_OK : HPACK_ERROR);
    block[updates] = 0x20;
  }
}

/* The size to which a peer may set the table for its header fields, and the size of ours when it
 * allows more. */
static void test_table(void **state) {
  (void)state;
  for (uint32_t extra = 0; extra < 2; extra++) {
    const uint32_t rest = HPACK_TABLE_BYTES_MAX + extra - 31;
    const uint8_t block[] = {0x3f, (uint8_t)(rest | 128), (uint8_t)(rest >> 7)};
    assert_int_equal(decode(block, sizeof block), extra ? HPACK_ERROR : HPACK_OK);
  }
  struct hpack_encoder encoder;
  uint8_t out[HPACK_ENCODE_BLOCK_BYTES_MAX];
  hpack_encoder_init(&encoder, counted_init(&memory));
  hpack_encoder_set_limit(&encoder, HPACK_TABLE_BYTES_MAX - 1);
  assert_true(hpack_encode_begin(&encoder, out) > out);
  hpack_encoder_set_limit(&encoder, UINT32_MAX);
  assert_true(hpack_encode_begin(&encoder, out) > out);
  assert_int_equal(encoder.table.bytes_max, HPACK_TABLE_BYTES_MAX);
  hpack_encoder_destroy(&encoder);
}

/* The first memory of a table, and twice that for one entry more. */
static void test_store(void **state) {
  (void)state;
  enum { ENTRY = 64, FIRST = HPACK_STORE_BYTES_FIRST / ENTRY };
  struct hpack_table table;
  const uint8_t value[ENTRY] = {0};
  const struct header entry = {.name = span_text("n"),
                               .value = span_of(value, ENTRY - HPACK_ENTRY_OVERHEAD - 1)};
  hpack_table_init(&table, counted_init(&memory), HPACK_TABLE_BYTES_MAX);
  assert_int_equal(memory.bytes, 0);
  for (unsigned i = 0; i < FIRST; i++)
    assert_true(hpack_table_insert(&table, &entry));
  size_t first = memory.bytes;
  assert_true(first >= HPACK_STORE_BYTES_FIRST);
  assert_true(hpack_table_insert(&table, &entry));
  assert_int_equal(memory.bytes, 2 * first);
  assert_int_equal(table.count, FIRST + 1);
  hpack_table_destroy(&table);
}

/* A short cookie is never indexed, a long one is an index of one byte the second time. */
static void test_cookie(void **state) {
  (void)state;
  uint8_t value[HPACK_COOKIE_BYTES_MIN],
      out[HPACK_COOKIE_BYTES_MIN + HPACK_ENCODE_FIELD_BYTES_MAX + HPACK_ENCODE_SLACK];
  memset(value, '~', sizeof value);
  for (size_t fewer = 0; fewer < 2; fewer++) {
    struct hpack_encoder encoder;
    struct header cookie = header_of(TOKEN_COOKIE, span_of(value, sizeof value - fewer));
    hpack_encoder_init(&encoder, counted_init(&memory));
    size_t first = hpack_encode(&encoder, &cookie, 1, out);
    assert_int_equal(hpack_encode(&encoder, &cookie, 1, out), fewer ? first : 1);
    hpack_encoder_destroy(&encoder);
  }
}

/* That many fields of one byte each. */
static void test_kept_block(void **state) {
  (void)state;
  const struct hpack_block_key key = {.list = 1};
  const struct header get = header_of(TOKEN_METHOD, span_text("GET")),
                      other = header_of(TOKEN_SERVER, span_text("a server"));
  uint8_t out[64];
  for (unsigned extra = 0; extra < 2; extra++) {
    struct hpack_encoder encoder;
    hpack_encoder_init(&encoder, counted_init(&memory));
    (void)hpack_encode(&encoder, &other, 1, out); /* now there is a table */
    uint8_t *begin = hpack_encode_begin(&encoder, out), *end = begin;
    for (unsigned i = 0; i < HPACK_BLOCK_KEPT_BYTES_MAX + extra; i++)
      end = hpack_encode_field(&encoder, &get, end);
    assert_int_equal(end - begin, HPACK_BLOCK_KEPT_BYTES_MAX + extra);
    hpack_encode_keep(&encoder, key, begin, end);
    assert_int_equal(hpack_encode_again(&encoder, key, out) != NULL, !extra);
    hpack_encoder_destroy(&encoder);
  }
}

/* A kept block takes the place of another one only if they have the same place: of consecutive keys, as many
 * are kept as there are places. */
static void test_kept_blocks(void **state) {
  (void)state;
  const struct header get = header_of(TOKEN_METHOD, span_text("GET")),
                      other = header_of(TOKEN_SERVER, span_text("a server"));
  enum { KEYS = 64 * HPACK_BLOCKS_KEPT_COUNT };
  struct hpack_encoder encoder;
  uint8_t out[64];
  hpack_encoder_init(&encoder, counted_init(&memory));
  (void)hpack_encode(&encoder, &other, 1, out); /* now there is a table */
  for (uint64_t key = 1; key <= KEYS; key++) {
    uint8_t *begin = hpack_encode_begin(&encoder, out), *end = begin;
    end = hpack_encode_field(&encoder, &get, end);
    hpack_encode_keep(&encoder, (struct hpack_block_key){.list = key}, begin, end);
  }
  unsigned kept = 0;
  for (uint64_t key = 1; key <= KEYS; key++)
    kept += hpack_encode_again(&encoder, (struct hpack_block_key){.list = key}, out) != NULL;
  assert_int_equal(kept, HPACK_BLOCKS_KEPT_COUNT);
  hpack_encoder_destroy(&encoder);
}

/* Whether a path that has not been indexed is indexed now, because it is remembered. */
static bool path_remembered(struct hpack_encoder *encoder, unsigned number) {
  char path[16];
  uint8_t out[sizeof path + HPACK_ENCODE_FIELD_BYTES_MAX + HPACK_ENCODE_SLACK];
  snprintf(path, sizeof path, "/%u", number);
  struct header field_now = header_of(TOKEN_PATH, span_text(path));
  (void)hpack_encode(encoder, &field_now, 1, out);
  return out[0] & 0x40; /* literal with incremental indexing */
}

/* Of a great many paths the latest are remembered, as many in all as there are places. Looked at from the
 * latest on: one that is remembered changes nothing, and one that is not replaces only older ones. */
static void test_probation(void **state) {
  (void)state;
  enum { PATHS = 64 * HPACK_PROBATION_COUNT };
  struct hpack_encoder encoder;
  unsigned remembered = 0;
  hpack_encoder_init(&encoder, counted_init(&memory));
  for (unsigned i = 0; i < PATHS; i++)
    assert_false(path_remembered(&encoder, i));
  for (unsigned i = PATHS; i-- > 0;)
    remembered += path_remembered(&encoder, i);
  assert_int_equal(remembered, HPACK_PROBATION_COUNT);
  hpack_encoder_destroy(&encoder);
}

/* Whether path 0 is remembered after paths 1 .. `last`, except for one. */
static bool first_path_remembered(unsigned last, unsigned except) {
  struct hpack_encoder encoder;
  hpack_encoder_init(&encoder, counted_init(&memory));
  for (unsigned i = 0; i <= last; i++)
    if (i != except) assert_false(path_remembered(&encoder, i));
  bool remembered = path_remembered(&encoder, 0);
  hpack_encoder_destroy(&encoder);
  return remembered;
}

/* A path is forgotten when as many others have come to its places as there are. Those are the ones without
 * which it would still be remembered. */
static void test_probation_ways(void **state) {
  (void)state;
  unsigned last = 1, needed = 0;
  while (first_path_remembered(last, UINT32_MAX))
    last++;
  for (unsigned other = 1; other <= last; other++)
    needed += first_path_remembered(last, other);
  assert_int_equal(needed, HPACK_PROBATION_WAYS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_integer_octets), cmocka_unit_test(test_integer),
      cmocka_unit_test(test_size_updates),   cmocka_unit_test(test_table),
      cmocka_unit_test(test_store),          cmocka_unit_test(test_cookie),
      cmocka_unit_test(test_kept_block),     cmocka_unit_test(test_kept_blocks),
      cmocka_unit_test(test_probation),      cmocka_unit_test(test_probation_ways),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
