/*
 * load/test_hdr.c - HdrHistogram's form: texts that hdr-histogram-js has written, and every count
 * read back by a decoder of the form.
 */
#include "tests/support/cmocka.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tools/common/version.h"
#include "tools/load/hdr.h"
#include "tools/load/hdr_log.h"

static struct load_histogram histogram;

static void start(void) {
  memset(&histogram, 0, sizeof histogram);
}

/* ---- a decoder ------------------------------------------------------------------------------- */

static struct plain {
  uint8_t bytes[65536];
  size_t len;
} plain;

static uint64_t number(const uint8_t *at, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; i++)
    value = value << 8 | at[i];
  return value;
}

static void unpack(const char *text) {
  static uint8_t compressed[65536];
  size_t len = strlen(text);
  assert_true(len % 4 == 0 && len < sizeof compressed);
  int bytes = EVP_DecodeBlock(compressed, (const unsigned char *)text, (int)len);
  assert_true(bytes > 8);
  assert_int_equal(number(compressed, 4), 0x1c849314);
  uLongf plain_len = sizeof plain.bytes;
  uint64_t compressed_len = number(compressed + 4, 4);
  assert_in_range(compressed_len + 8, (unsigned)bytes - 2, (unsigned)bytes); /* base64's padding */
  assert_int_equal(uncompress(plain.bytes, &plain_len, compressed + 8, compressed_len), Z_OK);
  plain.len = plain_len;
}

static int64_t next_count(size_t *at) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 9; i++) {
    assert_true(*at < plain.len);
    uint8_t byte = plain.bytes[(*at)++];
    value |= (uint64_t)(i < 8 ? byte & 0x7f : byte) << (7 * i);
    if (!(byte & 0x80)) break;
  }
  return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void expect_counts(const char *text) {
  unpack(text);
  assert_int_equal(number(plain.bytes, 4), 0x1c849313);
  assert_int_equal(number(plain.bytes + 4, 4), plain.len - 40);
  assert_int_equal(number(plain.bytes + 12, 4), 2);
  unsigned index = 0;
  for (size_t at = 40; at < plain.len;) {
    int64_t count = next_count(&at);
    if (count < 0) {
      for (; count < 0; count++)
        assert_int_equal(histogram.buckets[index++], 0);
    } else {
      assert_true(histogram.buckets[index++] == (uint64_t)count);
    }
    assert_true(index <= LOAD_HISTOGRAM_BUCKETS);
  }
  for (; index < LOAD_HISTOGRAM_BUCKETS; index++)
    assert_int_equal(histogram.buckets[index], 0);
}

static void expect_round_trip(void) {
  char *text = load_hdr_encode(&histogram);
  assert_non_null(text);
  expect_counts(text);
  free(text);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_round_trip(void **state) {
  (void)state;
  uint64_t random = 88172645463325252;
  start();
  for (unsigned i = 0; i < 200000; i++) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    load_histogram_add(&histogram, random >> (20 + i % 44));
  }
  expect_round_trip();
}

static void test_every_bucket(void **state) {
  (void)state;
  start();
  for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
    histogram.buckets[i] = UINT64_MAX / 2 - i; /* nine bytes each */
  histogram.count = 1;
  histogram.max_ns = UINT64_MAX;
  expect_round_trip();
}

static void test_empty(void **state) {
  (void)state;
  start();
  expect_round_trip();
}

static void test_zero(void **state) {
  (void)state;
  start();
  load_histogram_add(&histogram, 0);
  expect_round_trip();
}

/* What hdr-histogram-js wrote. zlib's bytes may differ, so both are unpacked. It writes other values
 * than HdrHistogram for Java in two fields that readers ignore: a shift of 1, and a ratio of 1 that
 * is no floating-point number. */
static void test_reference(void **state) {
  (void)state;
  static const struct {
    uint64_t values[4];
    unsigned count;
    const char *text;
  } rows[] = {
      {{0}, 1, "HISTFAAAAB54nJNpmSzMwMDACMVMDBDAyMDA/B8EYHwmAG73Bk0="},
      {{1, 255, 256, 1000000},
       4,
       "HISTFAAAACt4nJNpmSzMwMDAycDAwMjAwMDEAAGMDAzM/0EAzmf6yczE9FScCQCsfwhT"},
      {{UINT64_C(4398046511103)},
       1,
       "HISTFAAAACZ4nJNpmSzMwMDAzMDAwMjAwMDEAAGMDAzM/0EAxv/rzgQAf1oHkw=="},
      {{123456789, 123456789, 987654321, 5000},
       4,
       "HISTFAAAACx4nJNpmSzMwMDAycDAwMjAwMDEAAGMDAzM/0EAxt/OwzRbluUvKxMAsMAI2A=="},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    start();
    for (unsigned k = 0; k < rows[i].count; k++)
      load_histogram_add(&histogram, rows[i].values[k]);
    unpack(rows[i].text);
    struct plain reference = plain;
    char *text = load_hdr_encode(&histogram);
    assert_non_null(text);
    unpack(text);
    free(text);
    assert_int_equal(plain.len, reference.len);
    assert_memory_equal(plain.bytes, reference.bytes, 8);
    assert_memory_equal(plain.bytes + 12, reference.bytes + 12, 20);
    assert_memory_equal(plain.bytes + 40, reference.bytes + 40, plain.len - 40);
  }
}

static void test_log(void **state) {
  (void)state;
  char *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  start();
  load_histogram_add(&histogram, 1500000);
  load_hdr_log_begin(to, 1700000000123456789);
  assert_true(load_hdr_log_add(to, NULL, 0, 1000000000, &histogram));
  assert_true(load_hdr_log_add(to, "failed", 1000000000, 1250000000, &histogram));
  fclose(to);
  char *interval = load_hdr_encode(&histogram), expected[2048];
  snprintf(expected, sizeof expected,
           "#[Logged with weir load " WEIR_VERSION "]\n"
           "#[Histogram log format version 1.3]\n"
           "#[StartTime: 1700000000.123 (seconds since epoch), Tue Nov 14 22:13:20 UTC 2023]\n"
           "#[BaseTime: 1700000000.123 (seconds since epoch)]\n"
           "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
           "\"Interval_Compressed_Histogram\"\n"
           "0.000,1.000,1.500,%s\n"
           "Tag=failed,1.000,0.250,1.500,%s\n",
           interval, interval);
  assert_string_equal(text, expected);
  free(interval);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip), cmocka_unit_test(test_every_bucket),
      cmocka_unit_test(test_empty),      cmocka_unit_test(test_zero),
      cmocka_unit_test(test_reference),  cmocka_unit_test(test_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
