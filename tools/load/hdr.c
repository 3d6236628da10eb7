/*
 * load/hdr.c - see load/hdr.h.
 */
#include "tools/load/hdr.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

/* 256 values in the first bucket need two significant digits: 10^2 values, twice, rounded up to a
 * power of two. */
_Static_assert(2 << LOAD_HISTOGRAM_PART_BITS == 256, "HdrHistogram's buckets are ours");

/* Each is fixed by the form, or derived from it. */
enum {
  COOKIE = 0x1c849313,            /* V2, counts as ZigZag LEB128 */
  COMPRESSED_COOKIE = 0x1c849314, /* V2 compressed */
  DIGITS = 2,
  HEAD_BYTES = 40, /* fixed by the format: four numbers of 32 bits, three of 64 */
  COUNT_BYTES = 9, /* fixed by the format: of the longest count */
  /* derived from the number of buckets */
  PLAIN_BYTES = HEAD_BYTES + LOAD_HISTOGRAM_BUCKETS * COUNT_BYTES,
  COMPRESSED_HEAD_BYTES = 8, /* fixed by the format: two numbers of 32 bits */
};

/* ---- numbers --------------------------------------------------------------------------------- */

static uint8_t *put_bytes(uint8_t *to, uint64_t value, unsigned bytes) {
  while (bytes-- > 0)
    *to++ = (uint8_t)(value >> (8 * bytes));
  return to;
}

/* ZigZag: the sign moves to the lowest bit. LEB128: seven bits a byte, the lowest first; but a
 * ninth byte has eight. */
static uint8_t *put_count(uint8_t *to, int64_t value) {
  uint64_t rest = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
  for (unsigned i = 0; i < COUNT_BYTES - 1 && rest >= 0x80; i++) {
    *to++ = (uint8_t)(rest | 0x80);
    rest >>= 7;
  }
  *to++ = (uint8_t)rest;
  return to;
}

/* ---- the form -------------------------------------------------------------------------------- */

static uint8_t *put_counts(uint8_t *to, const struct load_histogram *histogram) {
  unsigned last = histogram->count ? load_histogram_bucket(histogram->max_ns) : 0;
  for (unsigned i = 0; i <= last;) {
    unsigned run = 0;
    while (i + run <= last && histogram->buckets[i + run] == 0)
      run++;
    to = put_count(to, run > 1 ? -(int64_t)run : (int64_t)histogram->buckets[i]);
    i += run > 0 ? run : 1;
  }
  return to;
}

static size_t make_plain(uint8_t plain[PLAIN_BYTES], const struct load_histogram *histogram) {
  uint8_t *end = put_counts(plain + HEAD_BYTES, histogram), *at = plain;
  at = put_bytes(at, COOKIE, 4);
  at = put_bytes(at, (uint64_t)(end - plain - HEAD_BYTES), 4);
  at = put_bytes(at, 0, 4); /* no index was shifted */
  at = put_bytes(at, DIGITS, 4);
  at = put_bytes(at, 1, 8); /* the lowest value that has a bucket of its own */
  at = put_bytes(at, (UINT64_C(1) << LOAD_HISTOGRAM_VALUE_BITS) - 1, 8); /* the highest */
  at = put_bytes(at, UINT64_C(0x3ff0000000000000), 8);                   /* a unit is 1.0 */
  assert(at == plain + HEAD_BYTES && end <= plain + PLAIN_BYTES);
  return (size_t)(end - plain);
}

static char *encode(const uint8_t *plain, size_t plain_len) {
  uLongf len = compressBound(plain_len);
  uint8_t *bytes = malloc(COMPRESSED_HEAD_BYTES + len);
  char *text = malloc((COMPRESSED_HEAD_BYTES + len + 2) / 3 * 4 + 1);
  bool good = bytes && text &&
              compress2(bytes + COMPRESSED_HEAD_BYTES, &len, plain, plain_len,
                        Z_DEFAULT_COMPRESSION) == Z_OK;
  if (good) {
    put_bytes(put_bytes(bytes, COMPRESSED_COOKIE, 4), len, 4);
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)(COMPRESSED_HEAD_BYTES + len));
  } else {
    free(text);
  }
  free(bytes);
  return good ? text : NULL;
}

char *load_hdr_encode(const struct load_histogram *histogram) {
  uint8_t *plain = malloc(PLAIN_BYTES);
  char *text = plain ? encode(plain, make_plain(plain, histogram)) : NULL;
  free(plain);
  return text;
}
