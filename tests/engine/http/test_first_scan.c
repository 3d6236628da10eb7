/*
 * http/test_first_scan.c - where the first scan of a progressive JPEG ends, found from any pieces
 * of it.
 */
#include "engine/http/limits.h"
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/http/first_scan.h"
#include "tests/support/jpeg.h"

#define TEXT(literal)  (const uint8_t *)(literal), sizeof(literal) - 1
#define IMAGE(content) content, sizeof content

/* Every hand-written file begins with these, and a scan header. */
#define SOI    "\xff\xd8"
#define SOF2   "\xff\xc2\0\x0b\x08\0\x10\0\x18\1\1\x11\0"
#define SOF0   "\xff\xc0\0\x0b\x08\0\x10\0\x18\1\1\x11\0"
#define SOS    "\xff\xda\0\x08\1\1\0\0\0\1"
#define BEFORE (2 + 13 + 10) /* SOI, SOF2, SOS */

static const struct row {
  const char *name;
  const uint8_t *bytes;
  size_t len;
  uint32_t expected; /* 0: none */
} rows[] = {
    {"cjpeg, colour", IMAGE(jpeg_colour), 249},
    {"cjpeg, restart markers", IMAGE(jpeg_restarts), 256},
    {"cjpeg, grey", IMAGE(jpeg_grey), 141},

    {"the next scan ends it", TEXT(SOI SOF2 SOS "abc" SOS "def\xff\xd9"), BEFORE + 3 + 2},
    {"a table ends it", TEXT(SOI SOF2 SOS "abc\xff\xc4\0\3x" SOS "def\xff\xd9"), BEFORE + 3 + 2},
    {"the end ends it", TEXT(SOI SOF2 SOS "abc\xff\xd9"), BEFORE + 3 + 2},
    {"an empty scan", TEXT(SOI SOF2 SOS "\xff\xd9"), BEFORE + 2},
    {"number of lines behind it", TEXT(SOI SOF2 SOS "ab\xff\xdc\0\4\0\x10"), BEFORE + 2 + 2},
    {"stuffed zeros", TEXT(SOI SOF2 SOS "a\xff\0\xff\0b\xff\0\xff\xda"), BEFORE + 8 + 2},
    {"all restart markers",
     TEXT(SOI SOF2 SOS
          "a\xff\xd0\xff\xd1\xff\xd2\xff\xd3\xff\xd4\xff\xd5\xff\xd6\xff\xd7z\xff\xd9"),
     BEFORE + 18 + 2},
    {"fill bytes before its end", TEXT(SOI SOF2 SOS "ab\xff\xff\xff\xff\xda"), BEFORE + 2 + 5},
    {"fill bytes before a restart", TEXT(SOI SOF2 SOS "a\xff\xff\xd3z\xff\xd9"), BEFORE + 5 + 2},
    {"fill bytes before segments",
     TEXT(SOI "\xff\xff\xff\xfe\0\4hi"
              "\xff" SOF2 "\xff\xff" SOS "a\xff\xd9"),
     BEFORE + 8 + 3 + 1 + 2},
    {"metadata that looks like an image",
     TEXT(SOI "\xff\xe1\0\x1d" SOI SOF0 SOS "\xff\xd9" SOF2 SOS "a\xff\xd9"), BEFORE + 31 + 1 + 2},
    {"an empty segment", TEXT(SOI "\xff\xfe\0\2" SOF2 SOS "a\xff\xd9"), BEFORE + 4 + 1 + 2},
    {"tables before the frame, their numbers among those of frames",
     TEXT(SOI "\xff\xc4\0\2\xff\xc8\0\2\xff\xcc\0\2\xff\xdb\0\2\xff\xdd\0\4\0\1\xff\1" SOF2 SOS
              "a\xff\xd9"),
     BEFORE + 24 + 1 + 2},

    {"baseline", TEXT(SOI SOF0 SOS "abc\xff\xd9"), 0},
    {"baseline of several scans", TEXT(SOI SOF0 SOS "abc" SOS "abc\xff\xd9"), 0},
    {"progressive with arithmetic coding", TEXT(SOI "\xff\xca\0\2" SOS "abc\xff\xd9"), 0},
    {"two frame headers", TEXT(SOI SOF2 SOF2 SOS "abc\xff\xd9"), 0},
    {"a scan without a frame", TEXT(SOI SOS "abc\xff\xd9" SOF2 SOS "abc\xff\xd9"), 0},
    {"an end without a scan", TEXT(SOI SOF2 "\xff\xd9" SOS "abc\xff\xd9"), 0},
    {"a second beginning", TEXT(SOI SOI SOF2 SOS "abc\xff\xd9"), 0},
    {"a length of 1", TEXT(SOI "\xff\xfe\0\1" SOF2 SOS "a\xff\xd9"), 0},
    {"a length of 0", TEXT(SOI "\xff\xfe\0\0" SOF2 SOS "a\xff\xd9"), 0},
    {"no marker where one must be", TEXT(SOI "\xff\xfe\0\3ab" SOF2 SOS "a\xff\xd9"), 0},
    {"a stuffed zero where a marker must be", TEXT(SOI "\xff\0" SOF2 SOS "a\xff\xd9"), 0},
    {"a length beyond the end", TEXT(SOI SOF2 "\xff\xda\0\x20\1\1\0\0\0\1\xff\xd9"), 0},
    {"a scan that does not end", TEXT(SOI SOF2 SOS "abc\xff\xd0\xff"), 0},
    {"png", TEXT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), 0},
    {"text", TEXT("<!doctype html>"), 0},
    {"nothing", TEXT(""), 0},
};

/* `len` bytes that end where the memory ends. */
static const uint8_t *at_the_edge(const uint8_t *bytes, size_t len) {
  static uint8_t *pages;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (!pages) {
    pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
  }
  assert_true(len <= page);
  return memcpy(pages + page - len, bytes, len);
}

static void every_row_of_every_length(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (size_t len = 0; len <= rows[i].len; len++) {
      uint32_t found = first_scan_bytes(span_of(at_the_edge(rows[i].bytes, len), len));
      uint32_t expected = len >= rows[i].expected ? rows[i].expected : 0;
      if (found != expected)
        fail_msg("%s: %u of %zu bytes, expected %u", rows[i].name, found, len, expected);
    }
}

/* Cut anywhere: after each piece, the answer is the same as for the bytes so far, and a final
 * answer does not change. */
static void every_row_in_pieces(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (size_t piece = 1; piece < 20; piece++) {
      const struct row *row = &rows[i];
      struct first_scan scan = {0};
      for (size_t at = 0; at < row->len; at += piece) {
        size_t len = row->len - at < piece ? row->len - at : piece;
        enum first_scan_result before = scan.result;
        enum first_scan_result result =
            first_scan_read(&scan, span_of(at_the_edge(row->bytes + at, len), len));
        if (before != FIRST_SCAN_MORE) assert_int_equal(result, before);
        bool found = row->expected && at + len >= row->expected;
        if (found != (result == FIRST_SCAN_FOUND))
          fail_msg("%s: answer %d after %zu", row->name, result, at + len);
        if (found) assert_int_equal(scan.bytes, row->expected);
        if (result == FIRST_SCAN_MORE) assert_int_equal(scan.bytes, at + len);
      }
      assert_int_equal(first_scan_read(&scan, span_of(NULL, 0)), scan.result);
    }
}

/* A baseline JPEG is recognised as soon as its frame header begins, text at its first byte, so that
 * a streamed file is not waited for. */
static void none_is_said_early(void **state) {
  (void)state;
  static const struct {
    const uint8_t *bytes;
    size_t len;
  } early[] = {{TEXT(SOI "\xff\xc0")}, {TEXT("<")}, {TEXT("\xff<")}, {TEXT(SOI "<")}};
  for (size_t i = 0; i < sizeof early / sizeof early[0]; i++) {
    struct first_scan scan = {0};
    assert_int_equal(first_scan_read(&scan, span_of(early[i].bytes, early[i].len - 1)),
                     FIRST_SCAN_MORE);
    assert_int_equal(first_scan_read(&scan, span_of(early[i].bytes + early[i].len - 1, 1)),
                     FIRST_SCAN_NONE);
  }
}

/* A state that the caller did not set to zero, or spoilt: some answer, and within the bytes given. */
static void any_state_ends(void **state) {
  (void)state;
  const uint8_t *edge = at_the_edge((const uint8_t *)SOI SOF2 SOS SOI SOF2 SOS, 2 * BEFORE);
  for (unsigned step = 0; step < 256; step++)
    for (unsigned skip = 0; skip < 40; skip++) {
      struct first_scan scan = {.step = (uint8_t)step, .skip_bytes = skip, .marker = 0xda};
      enum first_scan_result result = first_scan_read(&scan, span_of(edge, 2 * BEFORE));
      assert_in_range(result, FIRST_SCAN_MORE, FIRST_SCAN_NONE);
      assert_in_range(scan.bytes, 0, 2 * BEFORE);
    }
}

/* A scan of any length: SOI SOF2 SOS, then zeros, then the end. */
static uint8_t *image_of(uint32_t scan_bytes, size_t file_bytes) {
  uint8_t *file = calloc(1, file_bytes);
  memcpy(file, SOI SOF2 SOS, BEFORE);
  if (scan_bytes <= file_bytes) memcpy(file + scan_bytes - 2, "\xff\xd9", 2);
  return file;
}

static void long_scans_are_none(void **state) {
  (void)state;
  const uint32_t max = HEAD_START_SCAN_BYTES_MAX;
  static const struct {
    int beyond; /* scan's bytes beyond the bound */
    size_t piece;
  } cases[] = {{0, 1u << 30}, {0, 1000}, {0, 1}, {1, 1u << 30}, {1, 1000}, {1, 1}, {5000, 4096}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint32_t scan_bytes = (uint32_t)((int)max + cases[i].beyond);
    size_t len = max + 10000;
    uint8_t *file = image_of(scan_bytes, len);
    struct first_scan scan = {0};
    for (size_t at = 0; at < len; at += cases[i].piece)
      first_scan_read(&scan,
                      span_of(file + at, len - at < cases[i].piece ? len - at : cases[i].piece));
    bool found = scan_bytes <= max;
    assert_int_equal(scan.result, found ? FIRST_SCAN_FOUND : FIRST_SCAN_NONE);
    assert_int_equal(scan.bytes, max);
    assert_int_equal(first_scan_bytes(span_of(file, len)), found ? scan_bytes : 0);
    free(file);
  }
}

/* Noise after a valid beginning, cut at random: the whole and the pieces agree. */
static void garbage_is_read_alike_however_cut(void **state) {
  (void)state;
  uint32_t seed = 1, found = 0;
  for (unsigned round = 0; round < 20000; round++) {
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
      seed = seed * 1664525 + 1013904223;
      uint8_t c = (uint8_t)(seed >> 24);
      bytes[i] = seed & 0x30000 ? c : 0xff; /* markers, many of them */
    }
    size_t good = round % 3 * 8; /* nothing, part of the frame header, nearly all */
    memcpy(bytes, SOI SOF2 SOS, round % 3 == 2 ? BEFORE : good);
    size_t len = seed % (sizeof bytes + 1);
    const uint8_t *edge = at_the_edge(bytes, len);
    uint32_t whole = first_scan_bytes(span_of(edge, len));
    assert_true(whole <= len);
    struct first_scan scan = {0};
    for (size_t at = 0, step; at < len; at += step) {
      seed = seed * 1664525 + 1013904223;
      step = 1 + (seed >> 24) % 40;
      if (step > len - at) step = len - at;
      first_scan_read(&scan, span_of(edge + at, step));
    }
    assert_int_equal(scan.result == FIRST_SCAN_FOUND ? scan.bytes : 0, whole);
    found += whole > 0;
  }
  assert_in_range(found, 5000, 10000); /* most of the third with a whole valid beginning */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_row_of_every_length),
      cmocka_unit_test(every_row_in_pieces),
      cmocka_unit_test(none_is_said_early),
      cmocka_unit_test(any_state_ends),
      cmocka_unit_test(long_scans_are_none),
      cmocka_unit_test(garbage_is_read_alike_however_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
