/*
 * support/hex.c - bytes written as hexadecimal text.
 */
#include "tests/support/hex.h"

#include "tests/support/cmocka.h"

static unsigned digit(char c) {
  assert_true((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
  return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

size_t hex_decode(const char *hex, uint8_t *out, size_t max) {
  size_t len = 0;
  for (; *hex; hex++) {
    if (*hex == ' ') continue;
    assert_true(len < max && hex[1]);
    out[len++] = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
    hex++;
  }
  return len;
}
