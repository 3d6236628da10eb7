/*
 * serve/coding/test_codec.c - each coding there and back, within bounds, and with damaged input.
 */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "tools/serve/coding/codec.h"
#include "tools/serve/limits.h"

enum { TEXT_BYTES = 300000 };
static const enum coding codings[] = {CODING_GZIP, CODING_ZSTD, CODING_BR};

static uint8_t *make_text(void) {
  uint8_t *text = malloc(TEXT_BYTES);
  uint32_t seed = 1;
  for (size_t i = 0; i < TEXT_BYTES; i++) {
    seed = seed * 1664525 + 1013904223;
    text[i] = "etaoin shrdlu<>\n"[seed >> 30 | (seed >> 20 & 12)];
  }
  return text;
}

static void test_there_and_back(void **state) {
  uint8_t *text = make_text();
  (void)state;
  static const size_t sizes[] = {0, 1, 1024, 65537, TEXT_BYTES};
  for (size_t i = 0; i < 3; i++)
    for (size_t j = 0; j < 5; j++) {
      uint8_t *packed, *back;
      size_t len, back_len;
      assert_int_equal(codec_run(CODING_IDENTITY, codings[i], span_of(text, sizes[j]),
                                 sizes[j] + 100, &packed, &len),
                       CODEC_DONE);
      if (sizes[j] >= 1024) assert_true(len < sizes[j] * 2 / 3);
      assert_int_equal(
          codec_run(codings[i], CODING_IDENTITY, span_of(packed, len), sizes[j], &back, &back_len),
          CODEC_DONE);
      assert_int_equal(back_len, sizes[j]);
      if (back_len) assert_memory_equal(back, text, back_len);
      free(packed);
      free(back);
    }
  free(text);
}

/* One byte less than it takes is of no use, in both directions. */
static void test_bounds(void **state) {
  uint8_t *text = make_text(), *packed, *more;
  size_t len, more_len;
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    struct span in = span_of(text, 50000);
    assert_int_equal(codec_run(CODING_IDENTITY, codings[i], in, 50000, &packed, &len), CODEC_DONE);
    assert_int_equal(codec_run(CODING_IDENTITY, codings[i], in, len - 1, &more, &more_len),
                     CODEC_USELESS);
    assert_null(more);
    in = span_of(packed, len);
    assert_int_equal(codec_run(codings[i], CODING_IDENTITY, in, 49999, &more, &more_len),
                     CODEC_USELESS);
    assert_null(more);
    free(packed);
  }
  free(text);
}

/* Cut short anywhere, it is refused; nor is a changed byte read past the end. */
static void test_damage(void **state) {
  uint8_t *text = make_text(), *packed, *back;
  size_t len, back_len;
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(
        codec_run(CODING_IDENTITY, codings[i], span_of(text, 2000), 2000, &packed, &len),
        CODEC_DONE);
    for (size_t cut = 0; cut < len; cut++) {
      uint8_t *exact = malloc(cut ? cut : 1);
      memcpy(exact, packed, cut);
      enum codec_result result =
          codec_run(codings[i], CODING_IDENTITY, span_of(exact, cut), 4000, &back, &back_len);
      if (cut == 0 && codings[i] == CODING_ZSTD) { /* no frames at all: nothing */
        assert_int_equal(result, CODEC_DONE);
        assert_int_equal(back_len, 0);
      } else {
        assert_int_equal(result, CODEC_BAD);
      }
      free(back);
      back = NULL;
      exact[cut / 2] ^= 0x55;
      (void)!codec_run(codings[i], CODING_IDENTITY, span_of(exact, cut), 4000, &back, &back_len);
      free(back);
      back = NULL;
      free(exact);
    }
    free(packed);
  }
  free(text);
}

/* RFC 1952 section 2.2: a file may have several members. */
static void test_gzip_members(void **state) {
  uint8_t *packed, *back;
  size_t len, back_len;
  (void)state;
  static const char text[] = "twice twice twice twice twice ";
  struct span in = span_of(text, sizeof text - 1);
  assert_int_equal(codec_run(CODING_IDENTITY, CODING_GZIP, in, 100, &packed, &len), CODEC_DONE);
  uint8_t *twice = malloc(2 * len);
  memcpy(twice, packed, len);
  memcpy(twice + len, packed, len);
  assert_int_equal(
      codec_run(CODING_GZIP, CODING_IDENTITY, span_of(twice, 2 * len), 200, &back, &back_len),
      CODEC_DONE);
  assert_int_equal(back_len, 2 * in.len);
  assert_memory_equal(back + in.len, text, in.len);
  free(packed);
  free(twice);
  free(back);
}

/* Browsers refuse windows of more than 8 MiB (RFC 8878 section 3.1.1.1.2): content of that size needs no more. */
static void test_zstd_window(void **state) {
  enum { BYTES = 9 << 20 };
  uint8_t *text = calloc(1, BYTES), *packed;
  size_t len;
  (void)state;
  for (size_t i = 0; i < BYTES; i += 4096)
    memcpy(text + i, &i, sizeof i);
  assert_int_equal(
      codec_run(CODING_IDENTITY, CODING_ZSTD, span_of(text, BYTES), BYTES, &packed, &len),
      CODEC_DONE);
  bool single_segment = packed[4] >> 5 & 1;
  uint64_t window = single_segment ? BYTES : UINT64_C(1) << (10 + (packed[5] >> 3));
  if (!single_segment) window += window / 8 * (packed[5] & 7);
  assert_true(window <= UINT64_C(1) << CODEC_ZSTD_WINDOW_BITS);
  assert_int_equal(UINT64_C(1) << CODEC_ZSTD_WINDOW_BITS, 8 << 20);
  free(packed);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_damage),         cmocka_unit_test(test_gzip_members),
      cmocka_unit_test(test_zstd_window),
  };
  return cmocka_run_group_tests_name("serve/coding/codec", tests, NULL, NULL);
}
