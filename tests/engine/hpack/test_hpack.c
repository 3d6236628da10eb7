/*
 * hpack/test_hpack.c - decoding of header blocks, row by row: the examples of RFC 7541 appendix C,
 * its rules by section, and the attacks on its implementations. Encoding is in
 * tests/engine/hpack/test_encode.c.
 */
#include "engine/hpack/decode.h"
#include "engine/hpack/huffman.h"
#include "tests/engine/hpack/appendix_c.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fields.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"

#include <string.h>

enum { BLOCK_MAX = 128 * 1024, TEXT_MAX = 128 * 1024 };

static struct counted_memory memory;
static struct hpack_decoder decoder;
static struct fields list;
static struct guard guard;
static uint8_t block_bytes[BLOCK_MAX];
static char text[TEXT_MAX];
static const char *reason;

/* Every block is decoded from memory that ends with it. */
static enum hpack_result decode_bytes(const uint8_t *bytes, size_t len) {
  reason = NULL;
  const enum hpack_result result =
      hpack_decode(&decoder, guard_put(&guard, span_of(bytes, len)), &list.headers, &reason);
  if (result == HPACK_OK)
    assert_null(reason);
  else
    assert_non_null(reason);
  return result;
}

static enum hpack_result decode(const char *hex) {
  headers_clear(&list.headers);
  return decode_bytes(block_bytes, hex_decode(hex, block_bytes, sizeof block_bytes));
}

static void assert_list(const char *expected) {
  fields_text(&list.headers, text, sizeof text);
  assert_string_equal(text, expected);
}

static void assert_table(const char *expected) {
  fields_text_of_table(&decoder.table, text, sizeof text);
  assert_string_equal(text, expected);
}

static void fresh_decoder(void) {
  hpack_decoder_destroy(&decoder);
  hpack_decoder_init(&decoder, &memory.memory);
}

/* ---- decoding -------------------------------------------------------------------------------- */

static void appendix_c_decoded(void **state) {
  (void)state;
  for (size_t i = 0; i < appendix_c_count; i++) {
    const struct appendix_c *row = &appendix_c[i];
    if (row->table_bytes_max) {
      fresh_decoder();
      hpack_table_resize(&decoder.table, row->table_bytes_max);
    }
    assert_int_equal(decode(row->block), HPACK_OK);
    assert_list(row->fields);
    assert_table(row->table);
    assert_int_equal(decoder.table.bytes, row->table_bytes);
  }
}

static const struct decode_row {
  const char *name, *block;
  enum hpack_result result;
  const char *fields;
} decode_rows[] = {
    {"empty block", "", HPACK_OK, ""},
    {"C.1: 10 in 5 bits, as a table size", "2a", HPACK_OK, ""},
    {"C.1: 1337 in 5 bits, as a table size", "3f9a0a", HPACK_OK, ""},
    {"5.1: zeros behind the last digit, within 5 octets", "3f80808000", HPACK_OK, ""},
    {"5.1: as an index", "ff 8000", HPACK_ERROR, ""}, /* 127: nothing there */
    {"5.1: 6 octets", "3f8080808000", HPACK_ERROR, ""},
    {"C04: continuation for ever", "7f8080808080808080808080808080808080", HPACK_ERROR, ""},
    {"C04: 2^32 + 1 as an index", "ff82ffffff0f", HPACK_ERROR, ""},
    {"C04: 2^28 as a string's length", "007f81ffff7f", HPACK_ERROR, ""},
    {"C04: a length beyond every bound", "0001617fffffffffff01", HPACK_ERROR, ""},
    {"5.1: cut in an index", "ff", HPACK_ERROR, ""},
    {"5.1: cut in an index's digits", "ff80", HPACK_ERROR, ""},
    {"5.1: cut in a table size", "3f", HPACK_ERROR, ""},
    {"6.1: index 0", "80", HPACK_ERROR, ""},
    {"2.3.3: first index beyond the empty table", "be", HPACK_ERROR, ""},
    {"2.3.3: last static index", "bd", HPACK_OK, "www-authenticate: \n"},
    {"2.3.3: largest integer", "ff ffffff 7f", HPACK_ERROR, ""},
    {"2.3.3: name index beyond the table, to be indexed", "7e0161", HPACK_ERROR, ""},
    {"2.3.3: name index beyond the table", "0f2f0161", HPACK_ERROR, ""},
    {"2.3.3: name index beyond the table, never indexed", "1f2f0161", HPACK_ERROR, ""},
    {"6.2.1: cut before the name", "40", HPACK_ERROR, ""},
    {"6.2.1: cut in the name", "400261", HPACK_ERROR, ""},
    {"6.2.1: cut before the value", "400161", HPACK_ERROR, ""},
    {"6.2.1: cut in the value", "4001610262", HPACK_ERROR, ""},
    {"6.2.2: cut in a string's length", "00017f7f", HPACK_ERROR, ""},
    {"6.2.2: empty name and value (C01)", "000000", HPACK_OK, ": \n"},
    {"6.2.2: Huffman-coded empty strings", "008080", HPACK_OK, ": \n"},
    {"5.2: bad padding in a name", "0081180161", HPACK_ERROR, ""},
    {"5.2: bad padding in a value", "00016182ffff", HPACK_ERROR, ""},
    {"5.2: EOS", "00016184ffffffff", HPACK_ERROR, ""},
    {"2.1: order is kept, duplicates too", "0001610131 0001620132 0001610131", HPACK_OK,
     "a: 1\nb: 2\na: 1\n"},
    {"2.3.2: duplicates in the table", "4001610131 4001610131 be bf", HPACK_OK,
     "a: 1\na: 1\na: 1\na: 1\n"},
    {"6.3: above the limit", "3fe21f", HPACK_ERROR, ""},
    {"6.3: at the limit", "3fe11f", HPACK_OK, ""},
    {"C08: three updates", "202020", HPACK_ERROR, ""},
    {"C08: two updates", "203fe11f82", HPACK_OK, ":method: GET\n"},
    {"4.2: update behind a field", "8220", HPACK_ERROR, ""},
    {"4.2: update between fields", "822082", HPACK_ERROR, ""},
    {"4.4: entry larger than the table empties it", "3f03 4001610131 40016102 3131 be", HPACK_ERROR,
     ""},
    {"4.4: size 0 holds nothing, which is no error", "20 4001610131 4001620132", HPACK_OK,
     "a: 1\nb: 2\n"},
    {"4.4: then there is no index 62", "20 4001610131 be", HPACK_ERROR, ""},
    {"4.4: entry of just the table's size (34)", "3f03 4001610131 be", HPACK_OK, "a: 1\na: 1\n"},
    {"4.4: entry larger by one (33)", "3f02 4001610131 be", HPACK_ERROR, ""},
    {"4.4: name referred to is evicted by its own insertion", "3f03 4001610131 7e0132 be", HPACK_OK,
     "a: 1\na: 2\na: 2\n"},
    {"4.4: known name of an entry that is evicted", "3f10 5c0137 7e0138 be", HPACK_OK,
     "content-length: 7\ncontent-length: 8\ncontent-length: 8\n"},
    {"4.4: the same with an entry that never fits", "3f03 4001610131 7e023232 ", HPACK_OK,
     "a: 1\na: 22\n"},
};

static void decode_table(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof decode_rows / sizeof *decode_rows; i++) {
    const struct decode_row *row = &decode_rows[i];
    fresh_decoder();
    const enum hpack_result result = decode(row->block);
    if (result != row->result) fail_msg("%s: result %d", row->name, (int)result);
    if (result != HPACK_OK) continue;
    fields_text(&list.headers, text, sizeof text);
    if (strcmp(text, row->fields) != 0) fail_msg("%s: got %s", row->name, text);
  }
}

/* A block cut anywhere is an error or a shorter list, and never reads on. */
static void cut_everywhere(void **state) {
  (void)state;
  for (size_t i = 0; i < appendix_c_count; i++) {
    uint8_t bytes[512];
    const size_t len = hex_decode(appendix_c[i].block, bytes, sizeof bytes);
    if (!appendix_c[i].table_bytes_max) continue;
    for (size_t cut = 0; cut < len; cut++) {
      fresh_decoder();
      headers_clear(&list.headers);
      if (decode_bytes(bytes, cut) != HPACK_OK) continue;
      fields_text(&list.headers, text, sizeof text);
      assert_true(strlen(text) < strlen(appendix_c[i].fields));
      assert_memory_equal(text, appendix_c[i].fields, strlen(text));
    }
  }
}

static const struct flag_row {
  const char *name, *block;
  unsigned token, flags;
} flag_rows[] = {
    {"static", "82", TOKEN_METHOD, 0},
    {"known name as a literal", "0004646174650161", TOKEN_DATE, 0},
    {"known name, Huffman-coded", "00 83bc7a5f 0161", TOKEN_UNKNOWN, HEADER_NAME_BAD},
    {"unknown name", "0003782d610161", TOKEN_UNKNOWN, 0},
    {"6.2.3: never indexed", "1003782d610161", TOKEN_UNKNOWN, HEADER_NEVER_INDEX},
    {"6.2.3: never indexed, name from the table", "1f080161", TOKEN_AUTHORIZATION,
     HEADER_NEVER_INDEX},
    {"upper case", "0001410161", TOKEN_UNKNOWN, HEADER_NAME_BAD},
    {"upper case Z at the end", "0002615a0161", TOKEN_UNKNOWN, HEADER_NAME_BAD},
    {"blank in a name", "00036120610161", TOKEN_UNKNOWN, HEADER_NAME_BAD},
    {"empty name", "00000161", TOKEN_UNKNOWN, HEADER_NAME_BAD},
    {"inner colon", "0003613a610161", TOKEN_UNKNOWN, HEADER_NAME_BAD},
    {"unknown pseudo-header field", "00033a61610161", TOKEN_UNKNOWN, 0},
    {"two colons", "00033a3a610161", TOKEN_UNKNOWN, HEADER_NAME_BAD},
    {"CR in a value", "0f120361 0d61", TOKEN_DATE, HEADER_VALUE_BAD},
    {"leading blank", "0f12022061", TOKEN_DATE, HEADER_VALUE_BAD},
    {"trailing tab", "0f12026109", TOKEN_DATE, HEADER_VALUE_BAD},
    {"inner blank", "0f1203612061", TOKEN_DATE, 0},
    {"both bad", "000141010a", TOKEN_UNKNOWN, HEADER_NAME_BAD | HEADER_VALUE_BAD},
    {"RFC 9113 8.3.1: method", "0203474554", TOKEN_METHOD, 0},
    {"a method that is no token", "0203472054", TOKEN_METHOD, HEADER_PSEUDO_BAD},
    {"an empty method", "0200", TOKEN_METHOD, HEADER_PSEUDO_BAD},
    {"the same, by a literal name", "0007 3a6d6574686f64 00", TOKEN_METHOD, HEADER_PSEUDO_BAD},
    {"a scheme with an underscore", "0603615f62", TOKEN_SCHEME, HEADER_PSEUDO_BAD},
    {"a path without a slash", "040161", TOKEN_PATH, HEADER_PSEUDO_BAD},
    {"an asterisk as the path", "04012a", TOKEN_PATH, 0},
    {"an asterisk and more", "04022a2a", TOKEN_PATH, HEADER_PSEUDO_BAD},
    {"an empty path", "0400", TOKEN_PATH, HEADER_PSEUDO_BAD},
    {"an authority with userinfo", "0103614062", TOKEN_AUTHORITY, HEADER_PSEUDO_BAD},
    {"an empty authority", "0100", TOKEN_AUTHORITY, HEADER_PSEUDO_BAD},
    {"an empty authority by its index", "81", TOKEN_AUTHORITY, HEADER_PSEUDO_BAD},
    {"an authority with a port", "0103613a31", TOKEN_AUTHORITY, 0},
    {"an authority with LF", "0103610a62", TOKEN_AUTHORITY, HEADER_VALUE_BAD | HEADER_PSEUDO_BAD},
    {"the same bytes in another field", "0f0303614062", TOKEN_ACCEPT_RANGES, 0},
};

static void flags_and_tokens(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof flag_rows / sizeof *flag_rows; i++) {
    const struct flag_row *row = &flag_rows[i];
    fresh_decoder();
    if (decode(row->block) != HPACK_OK) fail_msg("%s: refused: %s", row->name, reason);
    assert_int_equal(list.headers.count, 1);
    const struct header *field = &list.headers.at[0];
    if (field->token != row->token || field->flags != row->flags)
      fail_msg("%s: token %u flags %u", row->name, field->token, field->flags);
  }
}

/* Flags found in a literal are set again when the field comes as an index. */
static void flags_survive_indexing(void **state) {
  (void)state;
  fresh_decoder();
  assert_int_equal(decode("400141010a 400178010a 4001780162 be bf c0 7e0162 0f310a0a"),
                   HPACK_ERROR);
  fresh_decoder();
  assert_int_equal(decode("400141010a 400178010a 4001780162 be bf c0 0f310162"), HPACK_OK);
  const unsigned expected[] = {
      HEADER_NAME_BAD | HEADER_VALUE_BAD, HEADER_VALUE_BAD, 0, 0, HEADER_VALUE_BAD,
      HEADER_NAME_BAD | HEADER_VALUE_BAD, HEADER_NAME_BAD};
  assert_int_equal(list.headers.count, 7);
  for (int i = 0; i < 7; i++)
    assert_int_equal(list.headers.at[i].flags, expected[i]);
  fresh_decoder(); /* a path without a slash, by index, and as the name of a good one */
  assert_int_equal(decode("440161 be 7e012f be"), HPACK_OK);
  const unsigned paths[] = {HEADER_PSEUDO_BAD, HEADER_PSEUDO_BAD, 0, 0};
  assert_int_equal(list.headers.count, 4);
  for (int i = 0; i < 4; i++)
    assert_int_equal(list.headers.at[i].flags, paths[i]);
}

/* D01, D03: each octet at each place, against the words of RFC 9113 section 8.2.1, and for names
 * RFC 9110 section 5.6.2. */
static void every_octet_judged(void **state) {
  (void)state;
  for (unsigned octet = 0; octet < 256; octet++) {
    for (size_t len = 1; len < 20; len++) {
      for (size_t at = 0; at < len; at++) {
        uint8_t bytes[20];
        memset(bytes, 'a', len);
        bytes[at] = (uint8_t)octet;
        const bool delimiter =
            octet != 0 && octet < 0x80 && strchr("\"(),/;<=>?@[\\]{}", (int)octet);
        const bool name_bad = octet <= 0x20 || (octet >= 0x41 && octet <= 0x5a) || octet >= 0x7f ||
                              delimiter || (octet == ':' && at > 0);
        const bool value_bad = octet == 0 || octet == '\r' || octet == '\n' ||
                               ((octet == ' ' || octet == '\t') && (at == 0 || at == len - 1));
        const struct span span = guard_put(&guard, span_of(bytes, len));
        assert_int_equal(header_name_flags(span), name_bad ? HEADER_NAME_BAD : 0);
        assert_int_equal(header_value_flags(span), value_bad ? HEADER_VALUE_BAD : 0);
      }
    }
  }
}

static void every_token_found(void **state) {
  (void)state;
  for (unsigned token = 1; token < TOKEN_COUNT; token++) {
    uint8_t bytes[40];
    const struct span name = header_token_name((enum header_token)token);
    assert_int_equal(header_token_of(guard_put(&guard, name)), token);
    memcpy(bytes, name.base, name.len);
    for (size_t at = 0; at < name.len; at++) {
      bytes[at] ^= 0x80;
      assert_int_equal(header_token_of(span_of(bytes, name.len)), TOKEN_UNKNOWN);
      bytes[at] ^= 0x80;
    }
    const enum header_token shorter = header_token_of(span_of(bytes, name.len - 1));
    assert_true(shorter != token);
  }
  assert_int_equal(header_token_of(span_text("")), TOKEN_UNKNOWN);
}

/* ---- our own limits -------------------------------------------------------------------------- */

static void lowered_limit(void **state) {
  (void)state;
  /* RFC 7541 section 4.2, RFC 9113 section 4.3.1. */
  fresh_decoder();
  hpack_decoder_set_limit(&decoder, 100);
  assert_int_equal(decode("82"), HPACK_ERROR);
  fresh_decoder();
  hpack_decoder_set_limit(&decoder, 100);
  assert_int_equal(decode(""), HPACK_ERROR);
  fresh_decoder();
  hpack_decoder_set_limit(&decoder, 100);
  assert_int_equal(decode("3f46 82"), HPACK_ERROR); /* 101 */
  fresh_decoder();
  hpack_decoder_set_limit(&decoder, 100);
  assert_int_equal(decode("3f45 82"), HPACK_OK); /* 100 */
  assert_int_equal(decode("82"), HPACK_OK);
  assert_int_equal(decoder.table.bytes_max, 100);
  /* No lower than the table is: nothing to announce. */
  hpack_decoder_set_limit(&decoder, 100);
  hpack_decoder_set_limit(&decoder, 4096);
  assert_int_equal(decode("82"), HPACK_OK);
  assert_int_equal(decoder.table.bytes_max, 100);
}

/* Lowered and raised between two blocks: the lower value must be seen first. */
static void lowered_then_raised(void **state) {
  (void)state;
  fresh_decoder();
  hpack_decoder_set_limit(&decoder, 0);
  hpack_decoder_set_limit(&decoder, 4096);
  assert_int_equal(decode("3fe11f 82"), HPACK_ERROR);
  fresh_decoder();
  assert_int_equal(decode("4001610131"), HPACK_OK);
  hpack_decoder_set_limit(&decoder, 0);
  hpack_decoder_set_limit(&decoder, 4096);
  assert_int_equal(decode("20 3fe11f 82"), HPACK_OK);
  assert_int_equal(decoder.table.count, 0);
  assert_int_equal(decoder.table.bytes_max, 4096);
}

/* ---- bombs ----------------------------------------------------------------------------------- */

static size_t put_bomb(uint8_t *out, size_t value_len, size_t references) {
  uint8_t *at = out;
  *at++ = 0x40;
  *at++ = 1;
  *at++ = 'a';
  *at++ = 0x7f;
  *at++ = 0x80 | ((value_len - 127) & 0x7f);
  *at++ = (uint8_t)((value_len - 127) >> 7);
  memset(at, 'b', value_len);
  at += value_len;
  memset(at, 0xbe, references);
  return (size_t)(at - out) + references;
}

/* C02: one large entry and references to it. */
static void bomb_stops(void **state) {
  (void)state;
  fresh_decoder();
  headers_init(&list.headers, list.at, 128, list.arena, 64 * KIB, 64 * KIB);
  size_t len = put_bomb(block_bytes, 4000, 14);
  assert_int_equal(decode_bytes(block_bytes, len), HPACK_OK);
  assert_false(list.headers.overflowed);
  assert_int_equal(list.headers.count, 15);
  assert_int_equal(list.headers.list_bytes, 15 * 4033);
  /* More than the list may hold: it is counted, and the decoder stays in step. */
  fresh_decoder();
  headers_clear(&list.headers);
  len = put_bomb(block_bytes, 4000, 30);
  assert_int_equal(decode_bytes(block_bytes, len), HPACK_OK);
  assert_true(list.headers.overflowed);
  assert_int_equal(list.headers.count, 16);
  assert_int_equal(list.headers.list_bytes, 31 * 4033);
  assert_int_equal(decode("be"), HPACK_OK);
  assert_int_equal(list.headers.at[0].value.len, 4000);
  /* More than twice that. */
  fresh_decoder();
  headers_clear(&list.headers);
  len = put_bomb(block_bytes, 4000, 60000);
  assert_int_equal(decode_bytes(block_bytes, len), HPACK_TOO_LARGE);
  assert_true(list.headers.list_bytes < HPACK_LIST_STOP_FACTOR * 64 * KIB + 4096);
}

/* C01, C03: fields of nothing cost 32 each. */
static void empty_fields_count(void **state) {
  (void)state;
  fresh_decoder();
  headers_init(&list.headers, list.at, 128, list.arena, 64 * KIB, 64 * KIB);
  memset(block_bytes, 0, 3 * 2048);
  assert_int_equal(decode_bytes(block_bytes, 3 * 2048), HPACK_OK);
  assert_int_equal(list.headers.count, 128);
  assert_true(list.headers.overflowed);
  assert_int_equal(list.headers.list_bytes, 2048 * 32);
  headers_clear(&list.headers);
  memset(block_bytes, 0, 3 * 4097);
  assert_int_equal(decode_bytes(block_bytes, 3 * 4097), HPACK_TOO_LARGE);
}

/* C07: whatever overflows (the count, the list, the arena in the middle of a field), the table
 * still gets the fields that the same block inserted. */
static void overflow_keeps_state(void **state) {
  (void)state;
  static const struct {
    const char *name;
    uint32_t max;
    size_t arena_bytes, list_bytes_max;
    bool overflows;
  } rows[] = {
      {"roomy", 16, 4096, 4096, false},
      {"arena ends in a name", 16, 30, 4096, true},
      {"arena ends in a value", 16, 33, 4096, true},
      {"no limit but size_t", 16, 4096, SIZE_MAX, false},
      {"no field", 0, 4096, 4096, true},
      {"one field", 1, 4096, 4096, true},
      {"no arena", 16, 0, 4096, true},
      {"little arena", 16, 11, 4096, true},
      {"list limit", 16, 4096, 200, true},
      {"list limit is just met", 16, 4096, 331, false},
  };
  const char *block = "82 40 8825a849e95ba97d7f 8925a849e95bb8e8b4bf" /* custom-key: custom-value */
                      "7e 88 25a849e95ba97d7f"                        /* custom-key: custom-key */
                      "be bf 00 8825a849e95ba97d7f 0161 40017a0179";
  const char *table = "z: y\ncustom-key: custom-key\ncustom-key: custom-value\n";
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fresh_decoder();
    /* The arena ends at the end of readable memory. */
    struct guard arena;
    guard_init(&arena, 4096);
    headers_init(&list.headers, list.at, rows[i].max, guard_room(&arena, rows[i].arena_bytes),
                 rows[i].arena_bytes, rows[i].list_bytes_max);
    if (decode(block) != HPACK_OK) fail_msg("%s: %s", rows[i].name, reason);
    assert_int_equal(list.headers.list_bytes, 42 + 54 + 52 + 52 + 54 + 43 + 34);
    assert_int_equal(list.headers.overflowed, rows[i].overflows);
    assert_table(table);
    guard_destroy(&arena);
  }
}

/* Wherever the list ends, it holds the first fields, and all are counted. */
static void overflow_anywhere(void **state) {
  (void)state;
  static const uint8_t bytes[] = {36, 36, 42, 38, 44, 36,
                                  60, 42, 36, 36, 36, 36}; /* of each field */
  enum { FIELDS = sizeof bytes };
  for (uint32_t max = 0; max <= FIELDS; max++)
    for (size_t list_bytes_max = 0; list_bytes_max <= 478; list_bytes_max++) {
      fresh_decoder();
      headers_init(&list.headers, list.at, max, list.arena, sizeof list.arena, list_bytes_max);
      assert_int_not_equal(decode("4003616263 0164"), HPACK_ERROR);
      const enum hpack_result result = decode("be be 82 84 87 be 90 88 be 7e 0165 bf be");
      if (result == HPACK_TOO_LARGE && 2 * list_bytes_max < 478) continue;
      assert_int_equal(result, HPACK_OK);
      size_t kept = 0, all = 0, left = list_bytes_max;
      for (size_t i = 0; i < FIELDS; i++) {
        all += bytes[i];
        if (kept < i || i >= max || bytes[i] > left) continue;
        left -= bytes[i];
        kept++;
      }
      assert_int_equal(all, 478);
      assert_int_equal(list.headers.list_bytes, all);
      assert_int_equal(list.headers.count, kept);
      assert_int_equal(list.headers.overflowed, kept < FIELDS);
    }
}

/* An overflowed list does not hide an error. */
static void overflow_keeps_judging(void **state) {
  (void)state;
  static const char *const blocks[] = {
      "00 8118 0161",         /* padding of zeros in a name */
      "40 8118 0161",         /* the same, to be indexed */
      "00 0161 84 ffffffff",  /* EOS */
      "0001610131 000161",    /* cut */
      "0001610131 7e0132",    /* index beyond the table */
      "0001610131 be 80 82",  /* the same, and index 0 */
      "0001610131 7fffffff7f" /* a large integer */
  };
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    fresh_decoder();
    headers_init(&list.headers, list.at, 0, list.arena, 0, 4096);
    if (decode(blocks[i]) != HPACK_ERROR) fail_msg("accepted: %s", blocks[i]);
  }
  /* A coded string that just fits the arena is kept, though the quick bound would not fit. */
  for (size_t arena = 10 + HUFFMAN_DECODE_SLACK; arena < 20; arena++) {
    fresh_decoder();
    headers_init(&list.headers, list.at, 4, list.arena, arena, 4096);
    assert_int_equal(decode("0001788825a849e95ba97d7f"), HPACK_OK);
    assert_list("x: custom-key\n");
    headers_init(&list.headers, list.at, 4, list.arena, arena, 4096);
    assert_int_equal(decode("0001788825a849e95ba97d7e"), HPACK_ERROR);
  }
}

/* Strings longer than the scratch buffer, in a list that has overflowed: the table is emptied. */
static void overflow_with_long_strings(void **state) {
  (void)state;
  for (int long_name = 0; long_name < 2; long_name++) {
    fresh_decoder();
    headers_init(&list.headers, list.at, 0, list.arena, 0, 64 * KIB);
    uint8_t *at = block_bytes;
    at += hex_decode("4001610131 40", at, 16);
    if (!long_name) at += hex_decode("0162", at, 2);
    /* 5000 octets of Huffman code, which are 8000 zeros: 127 + 4873. */
    at += hex_decode("ff8926", at, 3);
    memset(at, 0, 5000);
    at += 5000;
    if (long_name) at += hex_decode("0162", at, 2);
    assert_int_equal(decode_bytes(block_bytes, (size_t)(at - block_bytes)), HPACK_OK);
    assert_int_equal(list.headers.list_bytes, 34 + 8000 + 1 + 32);
    assert_int_equal(decoder.table.count, 0);
    /* A name and a value that fit the buffer one by one, not together. */
    at = block_bytes;
    at += hex_decode("4001610131 40", at, 16);
    for (int i = 0; i < 2; i++) {
      at += hex_decode("ffcd09", at, 3); /* 1356 octets: 2169 of '0' */
      memset(at, 0, 1356);
      at[1355] = 0x0f;
      at += 1356;
    }
    headers_clear(&list.headers);
    assert_int_equal(decode_bytes(block_bytes, (size_t)(at - block_bytes)), HPACK_OK);
    assert_int_equal(list.headers.list_bytes, 34 + 2 * 2169 + 32);
    assert_int_equal(decoder.table.count, 0);
  }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void memory_is_lazy(void **state) {
  (void)state;
  hpack_decoder_destroy(&decoder);
  assert_int_equal(memory.bytes, 0);
  hpack_decoder_init(&decoder, &memory.memory);
  assert_int_equal(decode("82 84 0001610162"), HPACK_OK);
  assert_int_equal(memory.bytes, 0);
  assert_int_equal(decode("4001610162"), HPACK_OK);
  assert_int_equal(memory.bytes, HPACK_STORE_BYTES_FIRST * 5 / 4);
  hpack_decoder_destroy(&decoder);
  assert_int_equal(memory.bytes, 0);
  hpack_decoder_init(&decoder, &memory.memory);
}

static void memory_refused(void **state) {
  (void)state;
  fresh_decoder();
  memory.allowed = 0;
  assert_int_equal(decode("4001610162"), HPACK_NO_MEMORY);
  memory.allowed = UINT64_MAX;
}

static int setup(void **state) {
  (void)state;
  counted_init(&memory);
  guard_init(&guard, BLOCK_MAX);
  hpack_decoder_init(&decoder, &memory.memory);
  return 0;
}

static int each_setup(void **state) {
  (void)state;
  memory.allowed = UINT64_MAX;
  fresh_decoder();
  fields_init(&list);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  hpack_decoder_destroy(&decoder);
  guard_destroy(&guard);
  return memory.bytes == 0 ? 0 : -1;
}

#define row(function) cmocka_unit_test_setup(function, each_setup)

int main(void) {
  const struct CMUnitTest tests[] = {
      row(appendix_c_decoded), row(decode_table),           row(cut_everywhere),
      row(flags_and_tokens),   row(flags_survive_indexing), row(every_octet_judged),
      row(every_token_found),  row(lowered_limit),          row(lowered_then_raised),
      row(bomb_stops),         row(empty_fields_count),     row(overflow_keeps_state),
      row(overflow_anywhere),  row(overflow_keeps_judging), row(overflow_with_long_strings),
      row(memory_is_lazy),     row(memory_refused),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
