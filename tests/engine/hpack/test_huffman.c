/*
 * hpack/test_huffman.c - the Huffman code: RFC 7541 section 5.2 and Appendix B.
 */
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"

#include <string.h>

#include "engine/hpack/huffman.h"
#include "engine/hpack/huffman_table.h"
#include "engine/http/headers.h"

static struct guard guard_in, guard_out;

/* Decodes from input that ends at a guard page into exactly the room that is promised to be enough,
 * and checks that both ways to get the length agree. */
static size_t decode(const void *bytes, size_t len, uint8_t **out) {
  struct span in = guard_put(&guard_in, span_of(bytes, len));
  const size_t expected = huffman_decode_len(in);
  const size_t bound = huffman_decode_bound(len);
  *out = guard_room(&guard_out, bound);
  bool rare;
  const size_t decoded = huffman_decode(in, *out, &rare);
  assert_true(decoded == expected);
  if (decoded == HUFFMAN_BAD) return decoded;
  assert_true(decoded + HUFFMAN_DECODE_SLACK <= bound);
  *out = guard_room(&guard_out, decoded + HUFFMAN_DECODE_SLACK);
  assert_int_equal(huffman_decode(in, *out, &rare), decoded);
  return decoded;
}

/* The code as in Appendix B, bit by bit: it shares nothing with the tables' decoder. */
static size_t encode_by_bits(struct span in, uint8_t *out) {
  size_t bits = 0;
  for (size_t i = 0; i < in.len; i++) {
    const struct huffman_code code = huffman_codes[in.base[i]];
    for (uint32_t bit = code.bits; bit-- > 0; bits++) {
      if (bits % 8 == 0) out[bits / 8] = 0;
      out[bits / 8] |= (uint8_t)((code.code >> bit & 1) << (7 - bits % 8));
    }
  }
  if (bits % 8) out[bits / 8] |= (uint8_t)(0xff >> bits % 8);
  return (bits + 7) / 8;
}

static void round_trip(struct span in) {
  uint8_t expected[4096];
  const size_t expected_len = encode_by_bits(in, expected);
  assert_int_equal(huffman_encode_len(in), expected_len);
  uint8_t *encoded = guard_room(&guard_out, expected_len + HUFFMAN_ENCODE_SLACK);
  const struct span guarded = guard_put(&guard_in, in);
  assert_ptr_equal(huffman_encode(guarded, encoded, expected_len), encoded + expected_len);
  assert_memory_equal(encoded, expected, expected_len);
  for (size_t most = 0; most < expected_len; most++) {
    encoded = guard_room(&guard_out, most + HUFFMAN_ENCODE_SLACK);
    assert_null(huffman_encode(guarded, encoded, most));
  }
  uint8_t *decoded;
  assert_int_equal(decode(expected, expected_len, &decoded), in.len);
  if (in.len > 0) assert_memory_equal(decoded, in.base, in.len);
}

static void appendix_b_lengths(void **state) {
  (void)state;
  assert_int_equal(huffman_codes['/'].code, 0x18); /* the RFC's own example */
  assert_int_equal(huffman_codes['/'].bits, 6);
  /* A complete code: the codes' shares, with EOS, add up to the whole. */
  uint64_t share = 1u << (HUFFMAN_CODE_BITS_MAX - 30);
  for (int i = 0; i < 256; i++) {
    share += 1u << (HUFFMAN_CODE_BITS_MAX - huffman_codes[i].bits);
    assert_int_equal(huffman_codes[i].bits, huffman_code_bits[i]);
  }
  assert_int_equal(share, 1u << HUFFMAN_CODE_BITS_MAX);
}

static const struct {
  const char *name, *hex, *text;
} good_rows[] = {
    {"empty", "", ""},
    {"C.4.1", "f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"},
    {"C.4.2", "a8eb10649cbf", "no-cache"},
    {"C.4.3 key", "25a849e95ba97d7f", "custom-key"},
    {"C.4.3 value", "25a849e95bb8e8b4bf", "custom-value"},
    {"C.6.1 status", "6402", "302"},
    {"C.6.1 date", "d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"},
    {"no padding at all", "00000000 00", "00000000"},
    {"7 bits of padding", "18c631ff", "aaaaa"},
};

static void good(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good_rows / sizeof *good_rows; i++) {
    uint8_t bytes[64], *out;
    const size_t len = hex_decode(good_rows[i].hex, bytes, sizeof bytes);
    const size_t text_len = strlen(good_rows[i].text);
    assert_int_equal(decode(bytes, len, &out), text_len);
    assert_memory_equal(out, good_rows[i].text, text_len);
    round_trip(span_text(good_rows[i].text));
  }
}

static const struct {
  const char *name, *hex;
} bad_rows[] = {
    {"section 5.2: padding of 8 bits", "ff"},
    {"section 5.2: padding of 11 bits behind a symbol", "1fff"},
    {"section 5.2: padding of 16 bits", "ffff"},
    {"section 5.2: padding of 27 bits behind a symbol", "07ffffff"},
    {"section 5.2: padding of zeros", "18"},
    {"section 5.2: padding with one zero", "1e"},
    {"section 5.2: EOS alone", "fffffffc"},
    {"section 5.2: EOS padded", "ffffffff"},
    {"section 5.2: EOS behind a symbol", "07fffffffe"},
    {"section 5.2: EOS, then a symbol", "fffffffc0f"},
    {"section 5.2: EOS in the quick part", "fffffffc00000000000000000000"},
    {"section 5.2: EOS late in the quick part", "000000000000fffffffc0000000000000000"},
    {"a long code is cut", "ffff"},
    {"a code of 30 bits is cut by its last octet", "ffffff"},
    {"a code of 7 bits is cut after 6", "2000fb"},
};

static void bad(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
    uint8_t bytes[64], *out;
    const size_t len = hex_decode(bad_rows[i].hex, bytes, sizeof bytes);
    if (decode(bytes, len, &out) != HUFFMAN_BAD) fail_msg("accepted: %s", bad_rows[i].name);
  }
}

/* Each octet alone, and each between others so that it starts at every bit of an octet. */
static void every_octet(void **state) {
  (void)state;
  for (int octet = 0; octet < 256; octet++) {
    uint8_t text[40];
    memset(text, 'a', sizeof text); /* 5 bits */
    for (size_t before = 0; before <= 16; before++) {
      text[before] = (uint8_t)octet;
      for (size_t after = 0; after <= 16; after += 4)
        round_trip(span_of(text, before + 1 + after));
      text[before] = 'a';
    }
  }
}

static void every_pair(void **state) {
  (void)state;
  for (int pair = 0; pair < 65536; pair++) {
    const uint8_t text[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
    round_trip(span_of(text, 2));
  }
}

/* Strings of up to 40 octets; of some, many have the longest codes. */
static void random_strings(void **state) {
  (void)state;
  static const uint8_t longest[] = {'\n', '\r', 22};
  uint8_t text[40];
  uint32_t seed = 1;
  for (uint32_t i = 0; i < 20000; i++) {
    for (size_t j = 0; j < sizeof text; j++) {
      seed = seed * 1664525 + 1013904223;
      const uint8_t octet = (uint8_t)(seed >> 24), kind = seed >> 16 & 3;
      text[j] = i % 4 > kind ? longest[octet % 3] : i % 3 ? 'a' + octet % 26 : octet;
    }
    round_trip(span_of(text, 1 + i % sizeof text));
  }
}

/* The reference: one bit at a time through the code, as section 5.2 puts it. */
static size_t decode_by_bits(struct span in, uint8_t *out) {
  uint32_t code = 0, bits = 0;
  size_t len = 0;
  for (size_t i = 0; i < in.len * 8; i++) {
    code = code << 1 | (in.base[i / 8] >> (7 - i % 8) & 1);
    bits++;
    for (int octet = 0; octet < 256; octet++) {
      if (huffman_codes[octet].bits != bits || huffman_codes[octet].code != code) continue;
      out[len++] = (uint8_t)octet;
      code = bits = 0;
      break;
    }
    if (bits > 29) return HUFFMAN_BAD;
  }
  return bits <= 7 && code == (1u << bits) - 1 ? len : HUFFMAN_BAD;
}

/* All inputs of up to two octets, and random ones of which every second is all ones at places. */
static void agrees_with_reference(void **state) {
  (void)state;
  uint8_t bytes[24], expected[64], *out;
  uint32_t seed = 1;
  for (uint32_t i = 0; i < 65536 + 20000; i++) {
    size_t len = 2;
    bytes[0] = (uint8_t)(i >> 8);
    bytes[1] = (uint8_t)i;
    if (i >= 65536) {
      seed = seed * 1664525 + 1013904223;
      len = 1 + (seed >> 16) % sizeof bytes;
      for (size_t j = 0; j < len; j++) {
        seed = seed * 1664525 + 1013904223;
        bytes[j] = (uint8_t)(seed >> 24 | (seed >> 8 & 1 ? 0xf0 : 0));
      }
      if (i % 2) bytes[len - 1] |= 0x3f;
    }
    const size_t expected_len = decode_by_bits(span_of(bytes, len), expected);
    assert_true(decode(bytes, len, &out) == expected_len);
    if (expected_len != HUFFMAN_BAD) assert_memory_equal(out, expected, expected_len);
  }
}

static void bound_is_exact(void **state) {
  (void)state;
  for (size_t len = 0; len < 1000; len++)
    assert_int_equal(huffman_decode_bound(len), len * 8 / 5 + HUFFMAN_DECODE_SLACK);
}

static int setup(void **state) {
  (void)state;
  guard_init(&guard_in, 8192);
  guard_init(&guard_out, 8192);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guard_destroy(&guard_in);
  guard_destroy(&guard_out);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(appendix_b_lengths),
      cmocka_unit_test(good),
      cmocka_unit_test(bad),
      cmocka_unit_test(every_octet),
      cmocka_unit_test(every_pair),
      cmocka_unit_test(random_strings),
      cmocka_unit_test(agrees_with_reference),
      cmocka_unit_test(bound_is_exact),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
