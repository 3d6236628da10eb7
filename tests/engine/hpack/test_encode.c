/*
 * hpack/test_encode.c - encoding of header blocks: which fields go into the table, which never do,
 * and how a limit is announced. Every block is also decoded, and both tables are compared.
 */
#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fields.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK_MAX = 128 * 1024 };

static struct counted_memory memory;
static struct hpack_decoder decoder;
static struct hpack_encoder encoder;
static struct fields list;
static struct guard guard;
static uint8_t block_bytes[BLOCK_MAX];

static enum hpack_result decode_bytes(const uint8_t *bytes, size_t len) {
  const char *reason;
  headers_clear(&list.headers);
  return hpack_decode(&decoder, span_of(bytes, len), &list.headers, &reason);
}

static void fresh_pair(void) {
  hpack_encoder_destroy(&encoder);
  hpack_encoder_init(&encoder, &memory.memory);
  hpack_decoder_destroy(&decoder);
  hpack_decoder_init(&decoder, &memory.memory);
  fields_init(&list);
}

/* Encodes into exactly the bound that was promised, decodes, compares. Returns the block. */
static struct span encode(const struct header *fields, size_t count) {
  const size_t bound = hpack_encode_bound(fields, count);
  uint8_t *out = guard_room(&guard, bound);
  const size_t len = hpack_encode(&encoder, fields, count, out);
  assert_true(len <= bound);
  memcpy(block_bytes, out, len);
  headers_clear(&list.headers);
  assert_int_equal(decode_bytes(block_bytes, len), HPACK_OK);
  assert_int_equal(list.headers.count, count);
  for (size_t i = 0; i < count; i++) {
    assert_true(span_equal(list.headers.at[i].name, fields[i].name));
    assert_true(span_equal(list.headers.at[i].value, fields[i].value));
  }
  assert_int_equal(encoder.table.bytes, decoder.table.bytes);
  return span_of(block_bytes, len);
}

static void assert_block(struct span block, const char *hex) {
  uint8_t expected[512];
  const size_t len = hex_decode(hex, expected, sizeof expected);
  assert_int_equal(block.len, len);
  assert_memory_equal(block.base, expected, len);
}

static struct header field_of(const char *name, const char *value) {
  const struct span span = span_text(name);
  return (struct header){
      .name = span, .value = span_text(value), .token = (uint16_t)header_token_of(span)};
}

static size_t length_bytes(size_t len) {
  return len < 127 ? 1 : len < 127 + 128 ? 2 : 3;
}

/* Section 5.2: of both forms of a string the shorter one, behind a length of one octet or more. */
static void shorter_form(void **state) {
  (void)state;
  char text[300] = {0};
  for (size_t len = 1; len < sizeof text; len++) {
    for (size_t shorter = 0; shorter <= len; shorter += 1 + len / 8) {
      memset(text, 'a', shorter); /* 5 bits; the rest has 8 */
      memset(text + shorter, 'X', len - shorter);
      const struct header field = {.name = span_text("cookie"),
                                   .value = span_of(text, len),
                                   .token = TOKEN_COOKIE,
                                   .flags = HEADER_NEVER_INDEX};
      const size_t coded = (shorter * 5 + (len - shorter) * 8 + 7) / 8;
      fresh_pair();
      const struct span block = encode(&field, 1);
      const size_t best = coded < len ? coded : len;
      assert_int_equal(block.len, 2 /* never indexed, name 32 */ + length_bytes(best) + best);
    }
  }
}

/* The fields of C.4, with our policy: the paths are on probation, which for static ones does not
 * matter. */
static void appendix_c_encoded(void **state) {
  (void)state;
  fresh_pair();
  struct header first[] = {field_of(":method", "GET"), field_of(":scheme", "http"),
                           field_of(":path", "/"), field_of(":authority", "www.example.com")};
  assert_block(encode(first, 4), "828684418cf1e3c2e5f23a6ba0ab90f4ff");
  struct header second[] = {field_of(":method", "GET"), field_of(":scheme", "http"),
                            field_of(":path", "/"), field_of(":authority", "www.example.com"),
                            field_of("cache-control", "no-cache")};
  assert_block(encode(second, 5), "828684be5886a8eb10649cbf");
  struct header third[] = {
      field_of(":method", "GET"), field_of(":scheme", "https"), field_of(":path", "/index.html"),
      field_of(":authority", "www.example.com"), field_of("custom-key", "custom-value")};
  assert_block(encode(third, 5), "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf");
}

static const struct {
  const char *name, *value;
  uint8_t flags;
  const char *first, *second, *third; /* the block, as often as it is sent */
} policy_rows[] = {
    {":status", "200", 0, "88", "88", "88"},
    {"server", "aaa", 0, "768218c7", "be", "be"},
    {"x", "y", 0, "4001780179", "be", "be"},
    {"x", "y", HEADER_NEVER_INDEX, "1001780179", "1001780179", "1001780179"},
    {":method", "GET", HEADER_NEVER_INDEX, "1203474554", "1203474554", "1203474554"},
    {"authorization", "x", 0, "1f080178", "1f080178", "1f080178"},
    {"proxy-authorization", "x", 0, "1f220178", "1f220178", "1f220178"},
    {"set-cookie", "x", 0, "1f280178", "1f280178", "1f280178"},
    {"cookie", "0123456789012345678", 0, NULL, NULL, NULL},
    {"cookie", "x", 0, "1f110178", "1f110178", "1f110178"},
    {"content-length", "7", 0, "0f0d0137", "5c0137", "be"},
    {"etag", "~~", 0, "0f13027e7e", "62027e7e", "be"},
    {":path", "~", 0, "04017e", "44017e", "be"},
    {"date", "~", 0, "0f12017e", "61017e", "be"},
};

static void check_policy(size_t i, bool noted) {
  fresh_pair();
  struct header field = field_of(policy_rows[i].name, policy_rows[i].value);
  field.flags = policy_rows[i].flags;
  const char *expected[] = {policy_rows[i].first, policy_rows[i].second, policy_rows[i].third};
  for (int time = 0; time < 3; time++) {
    /* A name whose token has not been looked up is judged in the same way. */
    if (time == 2) field.token = TOKEN_UNKNOWN;
    if (noted) hpack_encode_note(&field);
    const struct span block = encode(&field, 1);
    if (expected[time])
      assert_block(block, expected[time]);
    else
      assert_int_equal(block.base[0] & 0xf0, 0x10);
    if (block.base[0] >> 4 == 1) assert_int_equal(list.headers.at[0].flags, HEADER_NEVER_INDEX);
  }
}

/* A note in the field saves work and changes nothing. */
static void policy(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof policy_rows / sizeof *policy_rows; i++) {
    check_policy(i, false);
    check_policy(i, true);
  }
}

static void long_cookie_is_indexed(void **state) {
  (void)state;
  fresh_pair();
  const struct header field = field_of("cookie", "01234567890123456789");
  assert_true(encode(&field, 1).len > 10);
  assert_block(encode(&field, 1), "be");
}

/* A field of an unknown name that changes each time is kept out of the table after the first. */
static void changing_values_stay_out(void **state) {
  (void)state;
  fresh_pair();
  for (int i = 0; i < 1000; i++) {
    char value[16];
    snprintf(value, sizeof value, "%d", i);
    struct header fields[] = {field_of("x-request-id", value), field_of("date", value),
                              field_of("server", "weir")};
    encode(fields, 3);
    assert_true(encoder.table.count <= 2);
  }
}

/* A stale date costs the table one entry a second, and the others come back. */
static void dates_pass_through(void **state) {
  (void)state;
  fresh_pair();
  size_t bytes = 0;
  for (int second = 0; second < 600; second++) {
    char value[64];
    snprintf(value, sizeof value, "Mon, 21 Oct 2013 20:%02d:%02d GMT", second / 60, second % 60);
    struct header fields[] = {field_of("date", value), field_of("server", "weir")};
    for (int i = 0; i < 10; i++)
      bytes += encode(fields, 2).len;
  }
  /* Each second: two literals of 25 and eight references, and ten of the server. */
  assert_true(bytes < 600 * (2 * 26 + 8 + 10 + 2));
}

static void large_entries_stay_literal(void **state) {
  (void)state;
  static char value[4001];
  memset(value, '~', 4000); /* longer in Huffman code */
  for (size_t len = 3000; len <= 4000; len += 13) {
    fresh_pair();
    struct header field = {.name = span_text("x"), .value = span_of(value, len)};
    const struct span block = encode(&field, 1);
    assert_int_equal(block.base[0], len + 33 <= 3072 ? 0x40 : 0x00);
    assert_true(encoder.table.bytes <= 3072);
  }
}

static void limits_are_announced(void **state) {
  (void)state;
  fresh_pair();
  const struct header field = field_of("x", "y");
  assert_block(encode(&field, 1), "4001780179");
  hpack_encoder_set_limit(&encoder, 65536); /* no more than we use anyway */
  assert_block(encode(&field, 1), "be");
  hpack_encoder_set_limit(&encoder, 100);
  hpack_decoder_set_limit(&decoder, 100);
  assert_block(encode(&field, 1), "3f45 be");
  assert_block(encode(&field, 1), "be");
  hpack_encoder_set_limit(&encoder, 0);
  hpack_encoder_set_limit(&encoder, 1000);
  hpack_decoder_set_limit(&decoder, 0);
  hpack_decoder_set_limit(&decoder, 1000);
  assert_block(encode(&field, 1), "20 3fc907 4001780179");
  hpack_encoder_set_limit(&encoder, 0);
  hpack_encoder_set_limit(&encoder, 4096);
  hpack_encoder_set_limit(&encoder, 33);
  hpack_decoder_set_limit(&decoder, 0);
  hpack_decoder_set_limit(&decoder, 4096);
  hpack_decoder_set_limit(&decoder, 33);
  assert_block(encode(&field, 1), "20 3f02 0001780179");
  hpack_encoder_set_limit(&encoder, UINT32_MAX);
  hpack_decoder_set_limit(&decoder, 4096);
  assert_block(encode(&field, 1), "3fe11f 4001780179");
  assert_block(encode(&field, 1), "be");
}

static void memory_is_lazy(void **state) {
  (void)state;
  hpack_decoder_destroy(&decoder);
  hpack_encoder_destroy(&encoder);
  assert_int_equal(memory.bytes, 0);
  fresh_pair();
  const struct header get = field_of(":method", "GET"), secret = field_of("authorization", "x");
  encode(&get, 1);
  encode(&secret, 1);
  assert_int_equal(memory.bytes, 0);
}

/* With any amount of memory, from none to enough for some growth, blocks are right and both tables
 * agree. */
static void memory_refused(void **state) {
  (void)state;
  uint32_t most_entries = 0;
  for (unsigned allowed = 0; allowed < 7; allowed++) {
    fresh_pair();
    unsigned left = allowed;
    for (int i = 0; i < 300; i++) {
      char name[8];
      snprintf(name, sizeof name, "x-%d", i % 100);
      const struct header field = field_of(name, "value");
      uint8_t out[64];
      memory.allowed = left;
      const size_t len = hpack_encode(&encoder, &field, 1, out);
      left = memory.allowed;
      memory.allowed = UINT64_MAX;
      assert_int_equal(decode_bytes(out, len), HPACK_OK);
      assert_int_equal(list.headers.count, 1);
      assert_true(span_equal(list.headers.at[0].name, field.name));
      assert_int_equal(encoder.table.bytes, decoder.table.bytes);
    }
    most_entries = encoder.table.count > most_entries ? encoder.table.count : most_entries;
  }
  assert_true(most_entries > 90);
}

/* Every entry of the table is found: a random list of few names and values against a plain search
 * of the encoder's table. Rests change nothing. */
static void every_entry_is_found(void **state) {
  (void)state;
  uint32_t random = 1, found = 0;
  fresh_pair();
  for (int step = 0; step < 20000; step++) {
    random = random * 1664525 + 1013904223;
    char name[16], value[200];
    snprintf(name, sizeof name, "x-%u", random >> 29);
    const size_t len = (random >> 20 & 7) * 24;
    memset(value, 'a' + (random >> 18 & 1), len);
    value[len] = '\0';
    if (step % 1000 == 999) hpack_encoder_set_limit(&encoder, random >> 20);
    if (step % 1000 == 999) hpack_decoder_set_limit(&decoder, random >> 20);
    if (step % 37 == 36) hpack_encoder_rest(&encoder);
    if (step % 41 == 40) hpack_table_trim(&decoder.table);
    const struct header field = field_of(name, value);
    bool held = false;
    uint32_t kept_bytes = encoder.table.bytes;
    for (uint32_t age = 0; age < encoder.table.count; age++)
      held |= hpack_table_name_equal(&encoder.table, hpack_table_at(&encoder.table, age), &field) &&
              hpack_table_value_equal(&encoder.table, hpack_table_at(&encoder.table, age), &field);
    const struct span block = encode(&field, 1);
    if (step % 1000 == 999) continue; /* a size update, and evictions, came first */
    assert_int_equal(held, block.base[0] >> 7);
    if (held) assert_int_equal(encoder.table.bytes, kept_bytes);
    found += held;
  }
  assert_in_range(found, 2000, 18000);
}

/* At rest there is memory for the entries alone, which are found again; without memory they are not, for a
 * while. */
static void rests(void **state) {
  (void)state;
  const struct header fields[] = {field_of("x-name", "value"), field_of("server", "weir"),
                                  field_of("x-name", "other")};
  fresh_pair();
  memory.bytes = 0;
  assert_true(encode(fields, 2).len > 10);
  const size_t busy = memory.bytes;
  hpack_encoder_rest(&encoder);
  assert_true(busy - memory.bytes > 2000);
  assert_block(encode(fields, 2), "bfbe");
  assert_int_equal(memory.bytes, busy);
  hpack_encoder_rest(&encoder);
  memory.allowed = 0;
  assert_true(encode(fields, 2).len > 10);
  memory.allowed = UINT64_MAX;
  assert_block(encode(fields, 2), "bfbe");
  assert_true(encode(fields + 2, 1).len > 1); /* on probation, since the name is found */
  hpack_encoder_set_limit(&encoder, 0);
  hpack_decoder_set_limit(&decoder, 0);
  assert_true(encode(NULL, 0).len > 0);
  hpack_encoder_rest(&encoder);
  hpack_table_trim(&decoder.table);
  assert_int_equal(memory.bytes, 0);
}

static int setup(void **state) {
  (void)state;
  counted_init(&memory);
  guard_init(&guard, BLOCK_MAX);
  hpack_decoder_init(&decoder, &memory.memory);
  hpack_encoder_init(&encoder, &memory.memory);
  return 0;
}

static int each_setup(void **state) {
  (void)state;
  memory.allowed = UINT64_MAX;
  fresh_pair();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  hpack_decoder_destroy(&decoder);
  hpack_encoder_destroy(&encoder);
  guard_destroy(&guard);
  return memory.bytes == 0 ? 0 : -1;
}

/* Fields that seldom repeat are indexed when they do, whatever other fields are sent: no two
 * keep each other out for ever. */
static void test_probation_ends(void **state) {
  (void)state;
  for (unsigned i = 0; i < 300; i++) {
    char etag[16], path[16], length[16];
    fresh_pair();
    snprintf(etag, sizeof etag, "\"%u\"", i * 7919);
    snprintf(path, sizeof path, "/%u", i * 104729);
    snprintf(length, sizeof length, "%u", i);
    const struct header fields[] = {field_of("etag", etag), field_of("location", path),
                                    field_of("content-length", length),
                                    field_of("date", "Sun, 06 Nov 1994 08:49:37 GMT")};
    encode(fields, 4);
    encode(fields, 4);
    assert_int_equal(encode(fields, 4).len, 4);
  }
}

/* ---- blocks that repeat ---------------------------------------------------------------------- */

/* A list of fields with a key. */
struct repeated {
  struct hpack_block_key key;
  struct header fields[4];
};

/* Encodes it, from a kept block if there is one, decodes and compares. Returns whether it was kept. */
static bool encode_repeated(const struct repeated *repeated) {
  uint8_t out[512];
  uint8_t *at = hpack_encode_again(&encoder, repeated->key, out);
  const bool again = at != NULL;
  if (!again) {
    uint8_t *begin = at = hpack_encode_begin(&encoder, out);
    for (size_t i = 0; i < 4; i++)
      at = hpack_encode_field(&encoder, &repeated->fields[i], at);
    hpack_encode_keep(&encoder, repeated->key, begin, at);
  }
  assert_int_equal(decode_bytes(out, (size_t)(at - out)), HPACK_OK);
  assert_int_equal(list.headers.count, 4);
  for (size_t i = 0; i < 4; i++)
    assert_true(span_equal(list.headers.at[i].value, repeated->fields[i].value));
  return again;
}

static struct repeated repeated_of(uint64_t number, const char *value) {
  return (struct repeated){{.list = number, .time = 7},
                           {field_of(":status", "200"), field_of("server", "weir"),
                            field_of("x-one", value), field_of("content-type", "text/html")}};
}

static void blocks_repeat(void **state) {
  (void)state;
  fresh_pair();
  const struct repeated a = repeated_of(1, "a"), b = repeated_of(2, "b");
  assert_false(encode_repeated(&a)); /* literals go into the table */
  assert_false(encode_repeated(&a)); /* indices, which are kept */
  assert_true(encode_repeated(&a));
  assert_true(encode_repeated(&a));
  assert_false(encode_repeated(&b)); /* b on probation: not kept, and nothing was inserted */
  assert_true(encode_repeated(&a));
  assert_false(encode_repeated(&b)); /* inserts: all indices have moved */
  assert_false(encode_repeated(&a));
  assert_true(encode_repeated(&a));
  assert_false(encode_repeated(&b));
  assert_true(encode_repeated(&b));
  assert_true(encode_repeated(&a));
  struct repeated later = a;
  later.key.time++;
  later.fields[3] = field_of("content-type", "text/html");
  assert_false(encode_repeated(&later));
  assert_true(encode_repeated(&later));
}

static void a_new_limit_forgets_blocks(void **state) {
  (void)state;
  fresh_pair();
  const struct repeated a = repeated_of(1, "a");
  for (unsigned i = 0; i < 3; i++)
    (void)encode_repeated(&a);
  hpack_encoder_set_limit(&encoder, 0);
  hpack_decoder_set_limit(&decoder, 0);
  assert_false(encode_repeated(&a)); /* nothing is in the table */
  assert_false(encode_repeated(&a));
  hpack_encoder_set_limit(&encoder, 4096);
  hpack_decoder_set_limit(&decoder, 4096);
  assert_false(encode_repeated(&a));
  assert_false(encode_repeated(&a));
  assert_true(encode_repeated(&a));
}

static void secrets_are_not_kept(void **state) {
  (void)state;
  fresh_pair();
  struct repeated a = repeated_of(1, "a");
  a.fields[2] = field_of("set-cookie", "id=1");
  for (unsigned i = 0; i < 5; i++)
    assert_false(encode_repeated(&a));
}

/* Many lists over a small table whose size changes: a block that is written again still decodes to
 * the same list.
 */
static void blocks_at_random(void **state) {
  (void)state;
  uint32_t random = 1;
  unsigned again = 0;
  fresh_pair();
  for (unsigned step = 0; step < 20000; step++) {
    random = random * 1664525 + 1013904223;
    const char value[2] = {(char)('a' + (random >> 24) % 24), 0};
    const unsigned number = step / 100 % 3 ? (random >> 24) % 24 : 5;
    const struct repeated repeated = repeated_of(number, number == 5 ? "five" : value);
    struct repeated own = repeated;
    own.key.time = number == 5 ? 0 : (uint64_t)value[0];
    again += encode_repeated(&own);
    if (step % 1000 == 999) {
      const uint32_t limit = 60 + (random >> 16) % 400;
      hpack_encoder_set_limit(&encoder, limit);
      hpack_decoder_set_limit(&decoder, limit);
    }
  }
  assert_true(again > 1000);
}

#define row(function) cmocka_unit_test_setup(function, each_setup)

int main(void) {
  const struct CMUnitTest tests[] = {
      row(rests),
      row(test_probation_ends),
      row(memory_is_lazy),
      row(memory_refused),
      row(every_entry_is_found),
      row(shorter_form),
      row(appendix_c_encoded),
      row(policy),
      row(long_cookie_is_indexed),
      row(changing_values_stay_out),
      row(dates_pass_through),
      row(large_entries_stay_literal),
      row(limits_are_announced),
      row(blocks_repeat),
      row(a_new_limit_forgets_blocks),
      row(secrets_are_not_kept),
      row(blocks_at_random),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
