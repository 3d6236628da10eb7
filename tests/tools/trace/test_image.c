/*
 * trace/test_image.c - dimensions of images, read from every prefix of their bytes.
 */
#include "tests/support/cmocka.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/trace/image.h"

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static const struct row {
  const char *name;
  const uint8_t *bytes;
  size_t len;
  size_t needed; /* bytes; 0: it is never taken for an image */
  const char *format;
  uint32_t width, height;
} rows[] = {
    {"png",
     TEXT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x02\0\0\0\x07\x08\x02\0\0\0"
          "crc!"),
     24, "png", 258, 7},
    {"png without IHDR in front", TEXT("\x89PNG\r\n\x1a\n\0\0\0\rgAMA\0\0\0\1\0\0\0\1"), 0, NULL, 0,
     0},
    {"png of no width", TEXT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\1"), 0, NULL, 0, 0},
    {"gif 87a", TEXT("GIF87a\x40\x01\xf0\0rest"), 10, "gif", 320, 240},
    {"gif 89a", TEXT("GIF89a\x01\0\x02\0"), 10, "gif", 1, 2},
    {"gif 90a", TEXT("GIF90a\x01\0\x02\0"), 0, NULL, 0, 0},
    {"jpeg, baseline",
     TEXT("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
          "\xff\xc0\0\x11\x08\x01\xe0\x02\x80\3"),
     29, "jpeg", 640, 480},
    {"jpeg, progressive, fill bytes, metadata",
     TEXT("\xff\xd8\xff\xff\xff\xe1\0\6Exif\xff\xdb\0\3\0\xff\xc2\0\x11\x08\0\x0a\0\x14\3"), 26,
     "jpeg", 20, 10},
    {"jpeg, tables before the frame (their numbers lie between)",
     TEXT("\xff\xd8\xff\xc4\0\4\1\2\xff\xcc\0\2\xff\xc8\0\2\xff\xcf\0\x0b\x08\0\1\0\2"), 25, "jpeg",
     2, 1},
    {"jpeg, pixels before a frame", TEXT("\xff\xd8\xff\xda\0\x0c\0\0\0\0\0\0\0\0\0\0"), 0, NULL, 0,
     0},
    {"jpeg, a segment shorter than its length",
     TEXT("\xff\xd8\xff\xe0\0\1\xff\xc0\0\x11\x08\0\1\0\1"), 0, NULL, 0, 0},
    {"jpeg, no marker where one has to be",
     TEXT("\xff\xd8\xff\xe0\0\2xx\xff\xc0\0\x11\x08\0\1\0\1"), 0, NULL, 0, 0},
    {"webp, lossy",
     TEXT("RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\1\0\x9d\x01\x2a\x40\x41\xb0\x00...."), 30, "webp",
     320, 176},
    {"webp, lossless", TEXT("RIFF\x24\0\0\0WEBPVP8L\x10\0\0\0\x2f\x3f\xc1\x27\x00...."), 25, "webp",
     320, 160},
    {"webp, extended", TEXT("RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\x0f\0\x37\x04\0...."),
     30, "webp", 4096, 1080},
    {"webp, a key frame without its code",
     TEXT("RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\1\0xyz1234567"), 0, NULL, 0, 0},
    {"riff, sound", TEXT("RIFF\x24\0\0\0WAVEfmt "), 0, NULL, 0, 0},
    {"bmp", TEXT("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x0c\0\0\0\xf8\xff\xff\xff"), 26, "bmp", 12,
     8},
    {"avif, a tile and the whole",
     TEXT("\0\0\0\x14"
          "ftypavif\0\0\0\0mif1"
          "\0\0\0\x50meta\0\0\0\0"
          "\0\0\0\x0chdlrabcd"
          "\0\0\0\x38iprp"
          "\0\0\0\x30ipco"
          "\0\0\0\x14ispe\0\0\0\0\0\0\0\x40\0\0\0\x30"
          "\0\0\0\x14ispe\0\0\0\0\0\0\4\x00\0\0\3\x00"
          "\0\0\0\x10mdat"),
     100, "avif", 1024, 768},
    {"avif with its data before",
     TEXT("\0\0\0\x0c"
          "ftypavif"
          "\0\0\0\x09"
          "mdatx"
          "\0\0\0\x38meta\0\0\0\0\0\0\0\x2ciprp\0\0\0\x24ipco\0\0\0\1ispe\0\0\0\0\0\0\0\x1c\0\0\0\0"
          "\0\0\0\5\0\0\0\6"),
     77, "avif", 5, 6},
    {"text", TEXT("<svg xmlns="), 0, NULL, 0, 0},
};

/* `len` bytes that end at the end of readable memory. */
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

static void test_every_length(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *row = &rows[i];
    for (size_t len = 0; len <= row->len; len++) {
      struct trace_image image = {.format = "untouched"};
      enum trace_image_result result = trace_image_size(at_the_edge(row->bytes, len), len, &image);
      bool found = row->needed && len >= row->needed;
      if (found != (result == TRACE_IMAGE_FOUND) || (row->needed && result == TRACE_IMAGE_NONE))
        fail_msg("%s: %zu bytes answer %d", row->name, len, result);
      if (!found) {
        assert_string_equal(image.format, "untouched");
        continue;
      }
      assert_string_equal(image.format, row->format);
      assert_int_equal(image.width, row->width);
      assert_int_equal(image.height, row->height);
    }
  }
}

/* Once the answer is "no image", more bytes do not change it, so a caller may stop asking. */
static void test_none_is_final(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bool none = false;
    for (size_t len = 0; len <= rows[i].len; len++) {
      struct trace_image image;
      enum trace_image_result result = trace_image_size(rows[i].bytes, len, &image);
      if (none) assert_int_equal(result, TRACE_IMAGE_NONE);
      none = result == TRACE_IMAGE_NONE;
    }
  }
}

/* No bytes from a server make it read beyond the end, or loop: every row, with every byte changed. */
static void test_damaged(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (size_t at = 0; at < rows[i].len; at++)
      for (unsigned bit = 0; bit < 8; bit++) {
        uint8_t copy[256];
        struct trace_image image;
        assert_true(rows[i].len <= sizeof copy);
        memcpy(copy, rows[i].bytes, rows[i].len);
        copy[at] ^= (uint8_t)(1u << bit);
        enum trace_image_result result =
            trace_image_size(at_the_edge(copy, rows[i].len), rows[i].len, &image);
        if (result == TRACE_IMAGE_FOUND) assert_true(image.width > 0 && image.height > 0);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_length),
      cmocka_unit_test(test_none_is_final),
      cmocka_unit_test(test_damaged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
