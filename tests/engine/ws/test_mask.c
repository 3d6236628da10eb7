/*
 * ws/test_mask.c - masking with vectors gives what masking byte by byte gives.
 */
#include <string.h>

#include "engine/ws/mask.h"
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"

enum { BYTES = 300 };

static const struct ws_key key = {{0x37, 0xfa, 0x21, 0x3d}};

/* RFC 6455 section 5.7: "Hello". */
static void the_example_of_the_rfc(void **state) {
  (void)state;
  static const uint8_t masked[] = {0x7f, 0x9f, 0x4d, 0x51, 0x58};
  uint8_t out[5];
  ws_mask(out, masked, 5, key, 0);
  assert_memory_equal(out, "Hello", 5);
  ws_mask(out, out, 5, key, 0);
  assert_memory_equal(out, masked, 5);
}

static void fill(uint8_t *bytes) {
  for (size_t i = 0; i < BYTES; i++)
    bytes[i] = (uint8_t)(i * 7 + i / 64);
}

/* Every length at every offset of the key, both sides against a page that may not be touched. */
static void every_length_and_offset(void **state) {
  (void)state;
  uint8_t bytes[BYTES], expected[BYTES];
  struct guard in, out;
  guard_init(&in, BYTES);
  guard_init(&out, BYTES);
  fill(bytes);
  for (size_t len = 0; len <= BYTES; len++)
    for (uint64_t offset = 0; offset < 8; offset++) {
      struct span from = guard_put(&in, span_of(bytes, len));
      uint8_t *to = guard_room(&out, len);
      ws_mask_portable(expected, bytes, len, key, offset);
      ws_mask(to, from.base, len, key, offset);
      if (memcmp(to, expected, len) != 0) fail_msg("%zu bytes from %zu on", len, (size_t)offset);
    }
  guard_destroy(&in);
  guard_destroy(&out);
}

/* Pieces of one payload make the same bytes as all of it, wherever it is cut, in place too. */
static void in_two_pieces(void **state) {
  (void)state;
  uint8_t bytes[BYTES], whole[BYTES], pieces[BYTES];
  fill(bytes);
  ws_mask(whole, bytes, BYTES, key, 0);
  for (size_t cut = 0; cut <= BYTES; cut++) {
    memcpy(pieces, bytes, BYTES);
    ws_mask(pieces, pieces, cut, key, 0);
    ws_mask(pieces + cut, pieces + cut, BYTES - cut, key, cut);
    if (memcmp(pieces, whole, BYTES) != 0) fail_msg("cut at %zu", cut);
  }
}

/* An offset beyond 4 GiB, as a payload of 64-bit length has. */
static void far_offsets(void **state) {
  (void)state;
  uint8_t near[BYTES], far[BYTES], bytes[BYTES];
  fill(bytes);
  ws_mask(near, bytes, BYTES, key, 3);
  ws_mask(far, bytes, BYTES, key, (UINT64_C(1) << 40) + 3);
  assert_memory_equal(near, far, BYTES);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_example_of_the_rfc),
      cmocka_unit_test(every_length_and_offset),
      cmocka_unit_test(in_two_pieces),
      cmocka_unit_test(far_offsets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
